# acn-eval as a service, with PostgreSQL's driver and timm; built from the repository's root.
FROM python:3.12.11-slim-bookworm

COPY . /source
RUN pip install --no-cache-dir --constraint /source/constraints.txt '/source[service,postgres,timm]' \
    && rm -r /source \
    && useradd --create-home acn \
    && install --directory --owner acn /var/lib/acn-eval

USER acn
WORKDIR /var/lib/acn-eval
EXPOSE 8000
