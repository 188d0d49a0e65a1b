# Two commands do everything: `make demo` runs the main job, `make test` passes the tests.
# Both create .venv first, where it is missing or out of date.
PYTHON ?= python3
PYTHONS := python3.11 python3.12 python3.13
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export NO_MKDOCS_2_WARNING := 1

.PHONY: demo gate test test-matrix coverage test-slow test-postgres test-gpu axe check docs benchmarks clean

demo: $(READY)
	$(BIN)/acn-eval robustness --ckpt ac_vit.pt

# Two seeds of one recipe must be within 3 points of each other, which the digits can tell.
gate: $(READY)
	$(BIN)/acn-eval gate --ckpt seeds/res_vit_1.pt --baseline res_vit.pt

test: check
	$(BIN)/pytest -q -n logical --dist loadfile

check: docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation as a site in site/, which opens from disk; a broken link is an error.
docs: $(READY)
	$(BIN)/mkdocs build --quiet

# `make test` on every Python that is installed, each in an environment of its own.
test-matrix:
	@for python in $(PYTHONS); do \
	    if ! $$python -c "" 2> /dev/null; then skipped="$$skipped $$python"; \
	    elif $(MAKE) test PYTHON=$$python VENV=.venv-$$python; then passed="$$passed $$python"; \
	    else failed="$$failed $$python"; fi; \
	done; \
	echo "passed:$${passed:- none}; failed:$${failed:- none}; not installed:$${skipped:- none}"; \
	test -z "$$failed" && test -n "$$passed"

# Lines and branches that the tests reach; apart from `make test`, which it would slow down.
coverage: $(READY)
	$(BIN)/pytest -q -n logical --dist loadfile --cov --cov-report term

# Simulations of every statistical rule, and long trainings.
test-slow: $(READY)
	$(BIN)/pytest -q -m slow --timeout 1200

# Eight writers at once, and a server of mlflow/compose.yaml, on a PostgreSQL that is started here.
test-postgres: $(READY)
	$(BIN)/pytest -q -rs -m slow --timeout 300 tests/tracking

test-gpu: $(READY)
	$(BIN)/pytest -q --device cuda

# Accessibility of the report and of the pages in a real browser; axe-core comes from npm and is not shipped.
axe: $(READY)
	npm install --silent --no-save --no-package-lock --prefix .axe axe-core@4
	ACN_EVAL_AXE=.axe/node_modules/axe-core/axe.min.js $(BIN)/pytest -q tests/report/test_browser.py tests/service/pages/test_browser.py

benchmarks: $(READY)
	$(BIN)/python benchmarks/suite_overhead.py
	$(BIN)/python benchmarks/noise_cost.py
	$(BIN)/python benchmarks/commands.py
	$(BIN)/python benchmarks/probe_sweep.py
	$(BIN)/python benchmarks/gate.py
	$(BIN)/python benchmarks/continual.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $(READY)

clean:
	rm -rf .venv .venv-* acn-results mlflow.db mlruns site
