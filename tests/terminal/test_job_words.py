"""Jobs in words; the commands that print them are tested against a running service."""

from datetime import UTC, datetime

import pytest

from acn_eval.service.answers import JobAnswer
from acn_eval.service.requests import Check, Evaluate, Judge
from acn_eval.terminal.job_words import exit_code, headline, show_job, show_jobs

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NONE = dict.fromkeys(
    (
        *("started", "finished", "owner", "result", "error", "profile", "model", "version"),
        *("verdict", "test_set", "asked"),
    )
)
ZERO = dict.fromkeys(("priority", "attempt", "failures", "done", "total"), 0)


def job(**facts):
    own = {"id": 7, "key": "k", "state": "queued", "request": Check(), "submitted_by": "ada"}
    own |= {"created": THEN, "cancelled": False, "message": ""}
    return JobAnswer(**{**NONE, **ZERO, **own, **facts})


@pytest.mark.parametrize(
    ("state", "verdict", "code"),
    [
        ("done", "pass", 0),
        ("done", "fail", 1),
        ("done", "no_verdict", 3),
        ("done", None, 0),
        ("refused", None, 2),
        ("failed", None, 4),
        ("cancelled", None, 4),
        ("cancelled", "pass", 4),
    ],
)
def test_only_a_job_that_is_done_has_the_exit_code_of_its_verdict(state, verdict, code):
    assert exit_code(job(state=state, verdict=verdict)) == code


def test_the_headline_is_the_verdict_or_the_reason():
    said = {"sentence": "as good as the baseline"}
    assert headline(job(state="done", verdict="pass", result=said)) == f"PASS: {said['sentence']}"
    assert headline(job(state="failed", error="it ran out of memory")) == (
        "job 7: failed, it ran out of memory"
    )
    assert headline(job()) == "job 7: queued"


def test_a_job_says_what_it_is_about(capsys):
    judge = Judge(gate="strict", candidate="a.pt", baseline="b.pt")
    show_jobs(
        [
            job(request=judge),
            job(request=judge, profile="main", model="vit", version=3),
            job(request=Evaluate(suite="pruning", candidates=("a.pt", "c.pt"))),
            job(state="running", done=20, total=1000),
        ]
    )
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()[1:]]
    assert rows == [
        "7 queued strict: a.pt against b.pt ada 2026-01-02 03:04",
        "7 queued main: vit version 3 ada 2026-01-02 03:04",
        "7 queued pruning: a.pt, c.pt ada 2026-01-02 03:04",
        "7 running 20/1,000 check ada 2026-01-02 03:04",
    ]


def test_a_job_that_is_shown_says_when_and_where(capsys):
    show_job(job(state="running", started=THEN, owner="host:1", attempt=2, done=1, total=2))
    assert capsys.readouterr().out.splitlines() == [
        "job 7: running",
        "what: check",
        "asked by: ada",
        "queued: 2026-01-02 03:04:05 UTC",
        "started: 2026-01-02 03:04:05 UTC",
        "worker: host:1",
        "attempts: 2",
        "progress: 1/2",
    ]
