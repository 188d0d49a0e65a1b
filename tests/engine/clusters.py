"""A cluster of Ray that somebody else started."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from tests.engine.tasks import wait_for

ROOT = Path(__file__).parents[2]


@contextmanager
def cluster(path=(), cpus=2):
    """Yield the address and the token of one whose workers import from some folders, too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    folder, token = tempfile.mkdtemp(prefix="ray-", dir="/tmp"), secrets.token_hex(32)
    auth = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, "RAY_USAGE_STATS_ENABLED": "0"}
    own = {"PYTHONPATH": os.pathsep.join([*map(str, path), str(ROOT)])}
    command = ["ray.scripts.scripts", "start", "--head", f"--port={port}", f"--num-cpus={cpus}"]
    more = ["--include-dashboard=false", f"--temp-dir={folder}", "--block"]
    head = subprocess.Popen(
        [sys.executable, "-m", *command, *more],
        env=os.environ | auth | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        wait_for(lambda: b"block forever" in head.stdout.readline() or head.poll() is not None)
        assert head.poll() is None
        yield f"ray://127.0.0.1:{port}", token
    finally:
        head.stdout.close()
        os.killpg(head.pid, signal.SIGKILL)
        head.wait()
        shutil.rmtree(folder, ignore_errors=True)
