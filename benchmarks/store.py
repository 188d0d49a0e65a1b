"""What keeping an outcome costs, in a folder and in an emulated S3, whose server takes most of it.

    python benchmarks/store.py [--units 10000] [--bytes 20000] [--away MS]

An emulation in the same machine answers at once; --away adds a round trip to another one.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import fsspec
from machine import facts

from acn_eval.cache import OutcomeCache, WriteBehind

ONE_BY_ONE = 50


@contextmanager
def emulated(away: float) -> Iterator[str]:
    """Yield the address of an empty place in an emulated S3."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        while not answers(endpoint):
            time.sleep(0.1)
        given = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "NO_PROXY": "*"}
        os.environ |= given | {"AWS_DEFAULT_REGION": "us-east-1"}
        os.environ["AWS_ENDPOINT_URL"] = delayed(port, away) if away else endpoint
        fsspec.filesystem("s3").mkdir("bucket")
        yield "s3://bucket/outcomes"
    finally:
        server.terminate()
        server.wait()


def answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(endpoint, timeout=5):
            return True
    except urllib.error.URLError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as own:
        return int(own.getsockname()[1])


def delayed(port: int, away: float) -> str:
    """Return an endpoint that passes everything on, answers after so many seconds."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            client, _ = listening.accept()
            server = socket.create_connection(("127.0.0.1", port))
            for ends in ((client, server, 0.0), (server, client, away)):
                threading.Thread(target=passed_on, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def passed_on(source: socket.socket, target: socket.socket, wait: float) -> None:
    with source, target, suppress(OSError):  # the other direction has ended
        while content := source.recv(65536):
            time.sleep(wait)
            target.sendall(content)


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def written_behind(store: OutcomeCache, keys: list[str], content: bytes) -> None:
    with WriteBehind(store, lambda cost: None) as writer:
        for key in keys:
            writer.write(key, content, 1)


def measure(store: OutcomeCache, units: int, size: int) -> Iterator[str]:
    keys = [store.key(i) for i in range(units)]
    content = os.urandom(size)
    few = keys[:ONE_BY_ONE]

    def show(what: str, seconds: float, count: int) -> str:
        return f"  {what:40} {seconds:8.2f} s  {1000 * seconds / count:8.3f} ms each"

    store.write(store.key("first"), content)  # makes the client
    yield show(
        "write, one by one", timed(lambda: [store.write(k, content) for k in few]), len(few)
    )
    yield show("read, one by one", timed(lambda: [store.read(k) for k in few]), len(few))
    yield show(
        f"look up {units:,} at once, none there",
        timed(lambda: store.held(keys[len(few) :])),
        units,
    )
    yield show(
        "write behind the work",
        timed(lambda: written_behind(store, keys[len(few) :], content)),
        units - len(few),
    )
    yield show(f"look up {units:,} at once, all there", timed(lambda: store.held(keys)), units)
    yield show("add up their sizes", timed(store.size), units)
    yield show("remove half", timed(lambda: store.trim(units * size // 2)), units // 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=10_000)
    parser.add_argument("--bytes", type=int, default=20_000)
    parser.add_argument("--away", type=float, default=0.0, help="milliseconds")
    given = parser.parse_args()
    print(facts())
    with tempfile.TemporaryDirectory() as folder, emulated(given.away / 1000) as address:
        for place in (Path(folder), address):
            print(place if isinstance(place, str) else "folder")
            for line in measure(OutcomeCache(place), given.units, given.bytes):
                print(line, flush=True)


if __name__ == "__main__":
    main()
