"""The process of a job, by its own protocol."""

import io
import json
import os
import subprocess
import sys

from acn_eval.errors import CheckpointError
from acn_eval.service.child import Channel, main
from tests.service.workers import until


def started(*flags, **options):
    """Start a process of a job; return it and the file from which its messages are read."""
    heard, pipe = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-P", *flags, "-m", "acn_eval.service.child", str(pipe)],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[pipe],
        start_new_session=True,
        **options,
    )
    os.close(pipe)
    return process, os.fdopen(heard)


def test_a_check_imports_the_standard_library_and_little_else(tmp_path):
    process, heard = started("-X", "importtime", cwd=tmp_path)
    with heard:
        process.stdin.write(b'{"check": {"steps": 1, "seconds": 0}}\n')
        process.stdin.flush()
        assert [*map(json.loads, heard)][-1]["result"]
        _, errors = process.communicate()
    imported = {line.split("|")[-1].strip() for line in errors.decode().splitlines()}
    own = {name for name in imported if name.startswith("acn_eval.")}
    assert own <= {
        *("acn_eval.lazy", "acn_eval.errors", "acn_eval.foreign_text", "acn_eval.service"),
        "acn_eval.service.child",
    }
    assert imported & {"torch", "numpy", "mlflow", "pydantic", "sqlalchemy"} == set()


def test_a_remedy_names_options_of_the_command_line(monkeypatch):
    def refuse(*arguments):
        raise CheckpointError(
            "convert it with `trust`, beside `candidates`", "trust", "candidates"
        )

    job = b'{"check": {}}\n'
    heard, pipe = os.pipe()
    monkeypatch.setattr("acn_eval.service.child._done", refuse)
    monkeypatch.setattr("acn_eval.service.child._watch", lambda: None)
    monkeypatch.setattr("acn_eval.service.child._die_with_the_worker", lambda: None)
    monkeypatch.setattr(os, "nice", lambda more: 0)
    monkeypatch.setattr(sys, "argv", ["child", str(pipe)])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(job)))
    main()
    os.close(pipe)
    with os.fdopen(heard) as messages:
        assert json.load(messages)["error"] == "convert it with --trust, beside --ckpt"


def test_it_dies_where_its_stdin_closes_and_without_a_job_ends_quietly(tmp_path):
    process, heard = started(cwd=tmp_path)
    with heard:
        process.stdin.write(b'{"check": {"steps": 1, "seconds": 600}}\n')
        process.stdin.close()
        until(lambda: process.poll() is not None)
        assert process.returncode == -9
    process.stderr.close()
    waiting, heard = started(cwd=tmp_path)
    with heard:
        waiting.communicate()
        assert waiting.returncode == 0


def test_progress_is_reported_some_times_a_second_and_at_the_end():
    heard, pipe = os.pipe()
    channel = Channel(pipe)
    for done in range(1, 1001):
        channel.progress(done, 1000)
    os.close(pipe)
    with os.fdopen(heard) as messages:
        told = [json.loads(line)["progress"] for line in messages]
    assert told[0] == [1, 1000]
    assert told[-1] == [1000, 1000]
    assert len(told) < 20
