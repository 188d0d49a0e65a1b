"""`acn-eval watch` against a running service."""

import subprocess
import sys

from acn_eval.service.requests import Check

START = "from acn_eval.cli.main import main; main()"


def test_one_job_is_followed_to_its_verdict(call, jobs, worker):
    job, _ = jobs.submit(Check(name="watched"), by="ada")
    worker("done", {"verdict": "no_verdict", "sentence": "too few examples", "test_set": "d"})
    code, out, err = call("watch", job.id)
    assert (code, out) == (3, "NO VERDICT: too few examples\n")
    assert f"job {job.id}: running, on worker" in err


def test_a_job_that_is_not_there_is_one_line(refused, jobs):
    said = refused(2, "watch", 99999)
    assert "job 99999: must be the number of a job; there is none. `acn-eval jobs` lists" in said


def test_all_jobs_are_followed_until_ctrl_c(running, jobs):
    first, _ = jobs.submit(Check(name="all 1"), by="ada")
    command = [sys.executable, "-c", START, "watch", "--server", running[1]]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.stdout.readline() != f"job {first.id}: queued\n":
            assert process.poll() is None
        jobs.cancel(first.id)
        assert process.stdout.readline() == f"job {first.id}: cancelled\n"
        process.send_signal(2)
        assert process.wait(20) == 0
        assert process.stderr.read() == "Ctrl-C stops it.\n"
