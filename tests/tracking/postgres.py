"""A real PostgreSQL for tests: started on loopback in a folder of its own, and gone afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_postgres = pytest.mark.skipif(
    not (shutil.which("initdb") and shutil.which("pg_ctl")),
    reason="initdb and pg_ctl are not on PATH: install PostgreSQL to run this",
)


@dataclass
class Server:
    """A server that is up; `stop` lets it crash, as if its machine had lost its power."""

    address: str
    data: Path
    options: str
    run: Callable[..., None]

    def start(self) -> None:
        log = self.data.parent / "log"
        self.run("pg_ctl", "-D", self.data, "-l", log, "-w", "-o", self.options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")


@contextmanager
def postgres() -> Iterator[str]:
    """Start a server; yield its address without a database: ``postgresql+psycopg2://...``."""
    with postgres_server() as server:
        yield server.address


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Start a server.

    PostgreSQL refuses to run as root: there it runs as its own user, and so its folder is not
    below pytest's, which other users cannot enter.
    """
    owner = {"user": "postgres", "group": "postgres", "extra_groups": []}
    as_owner = owner if os.getuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="acn-eval-postgres-"))
    if as_owner:
        shutil.chown(folder, "postgres", "postgres")

    def run(*command: object) -> None:
        subprocess.run(
            [str(part) for part in command],
            cwd=folder,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            **as_owner,
        )

    port = free_port()
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    address = f"postgresql+psycopg2://acn@127.0.0.1:{port}"
    server = Server(address, folder / "data", options, run)
    try:
        run("initdb", "-D", server.data, "-U", "acn", "-A", "trust", "-E", "UTF8", "--no-sync")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def new_database(server: str, name: str) -> str:
    """Create an empty database on a server that is up; return its address."""
    from sqlalchemy import create_engine, text

    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return f"{server}/{name}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
