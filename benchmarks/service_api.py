"""How long the API takes to answer 50 clients at once.

    python benchmarks/service_api.py [--clients 50] [--seconds 10] [--database postgresql://...]

One server process with uvicorn over a table of 1,000 finished jobs, and two processes of clients,
each of which sends its next request when the last one is answered, over a connection that stays.
Times are those of a whole exchange, in the client. Without a database it is an SQLite file.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from machine import facts

from acn_eval.service.api import create_app
from acn_eval.service.database import Database
from acn_eval.service.migrations import migrate
from acn_eval.service.requests import Check
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.stores import TrackingStore

JOBS = 1000
PROCESSES = 2
ASKED = {
    "GET /healthz": ("GET", "/healthz"),
    "GET /v1/jobs/7": ("GET", "/v1/jobs/7"),
    "GET /v1/jobs?limit=50": ("GET", "/v1/jobs?limit=50"),
    "POST /v1/jobs, known": ("POST", "/v1/jobs"),
    "POST /v1/jobs, new": ("POST", "/v1/jobs"),
}


def serve(url: str, home: Path) -> None:
    database = Database.at(url)
    migrate(database)
    most = 10**6
    service = Service(
        Settings(requests_per_minute=most, queue=most),
        database,
        TrackingStore(f"sqlite:///{home}/mlflow.db"),
        home,
        "http://127.0.0.1",
    )
    for number in range(JOBS):
        service.jobs.submit(Check(name=f"old {number}"), by="benchmark")
        claim = service.jobs.claim("worker")
        if claim:
            service.jobs.finish(claim, "done", result={"sentence": "As good."})
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None))
        server.run(sockets=[listening])


def ask(port: int, clients: int, what: str, seconds: float) -> None:
    method, path = ASKED[what]
    times: list[float] = []
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        link = http.client.HTTPConnection("127.0.0.1", port)
        link.connect()
        # Headers and body are two packets: without this the second waits for 40 ms.
        link.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        count = 0
        while time.monotonic() < end:
            count += 1
            name = f"new {os.getpid()} {number} {count}" if what.endswith("new") else "old 1"
            body = json.dumps({"kind": "check", "name": name}) if method == "POST" else None
            begun = time.perf_counter()
            link.request(method, path, body, {"Content-Type": "application/json"})
            answer = link.getresponse()
            answer.read()
            times.append(time.perf_counter() - begun)
            if answer.status not in {200, 202}:
                raise SystemExit(f"{what}: {answer.status}")

    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(times))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--database")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{folder}/service.db"
        server = run("serve", url, folder)
        try:
            assert server.stdout
            port = int(server.stdout.readline())
            print(facts())
            print(f"{given.clients} clients; {url.partition(':')[0]}; milliseconds")
            print(f"{'':24}{'p50':>8}{'p99':>8}{'a second':>10}")
            for what in ASKED:
                show(what, measured(port, given.clients, what, given.seconds), given.seconds)
        finally:
            server.terminate()
            server.wait()


def run(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def measured(port: int, clients: int, what: str, seconds: float) -> list[float]:
    each = str(clients // PROCESSES)
    asking = [run("ask", str(port), each, what, str(seconds)) for _ in range(PROCESSES)]
    return [t for process in asking for t in json.loads(process.communicate()[0])]


def show(what: str, times: list[float], seconds: float) -> None:
    parts = statistics.quantiles([1000 * t for t in times], n=100)
    print(f"{what:24}{parts[49]:8.1f}{parts[98]:8.1f}{len(times) / seconds:10.0f}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", url, folder]:
            serve(url, Path(folder))
        case ["ask", port, clients, what, seconds]:
            ask(int(port), int(clients), what, float(seconds))
        case _:
            main()
