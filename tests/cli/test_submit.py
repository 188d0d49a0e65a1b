"""`acn-eval submit` against a running service."""

import pytest

from acn_eval.service.requests import Check, Data, Evaluate, Judge

VERDICT = {"verdict": "fail", "sentence": "the candidate is worse", "test_set": "digits"}


def submitted(jobs):
    return jobs.page(limit=1)[0].request


def test_a_gate_is_asked_for_as_it_is_typed(call, jobs):
    typed = ("gate", "--ckpt", "models:/vit/3", "--baseline", "models:/vit@champion")
    code, out, err = call("submit", *typed, "--suite", "gate", "--data", "digits", "--limit", 9)
    number = jobs.page(limit=1)[0].id
    assert (code, out) == (0, f"job {number}: queued\n")
    assert err == f"Follow it: acn-eval watch {number}\n"
    assert submitted(jobs) == Judge(
        gate="gate",
        candidate="models:/vit/3",
        baseline="models:/vit@champion",
        data=Data(name="digits", limit=9),
    )
    assert call("submit", *typed, "--suite", "gate", "--data", "digits", "--limit", 9)[1] == out


def test_a_suite_takes_several_checkpoints(call, jobs):
    given = ("--classes", "0-4, 7", "--seed", 3, "--metric", "f1", "--restrict")
    assert call("submit", "robustness", "--ckpt", "a.pt", "b.pt", *given)[0] == 0
    assert submitted(jobs) == Evaluate(
        suite="robustness",
        candidates=("a.pt", "b.pt"),
        data=Data(classes=("0-4", "7"), restricted=True),
        seed=3,
        metric="f1",
    )


def test_a_check_has_a_name(call, jobs):
    assert call("submit", "check", "--name", "one")[0] == 0
    assert submitted(jobs) == Check(name="one")


@pytest.mark.parametrize(
    ("end", "code", "line"),
    [
        (("done", {**VERDICT, "verdict": "pass"}, None), 0, "PASS: the candidate is worse"),
        (("done", VERDICT, None), 1, "FAIL: the candidate is worse"),
        (
            ("done", {**VERDICT, "verdict": "no_verdict"}, None),
            3,
            "NO VERDICT: the candidate",
        ),
        (("done", None, None), 0, "job {}: done"),
        (("refused", None, "it holds code"), 2, "job {}: refused, it holds code"),
        (("cancelled", None, None), 4, "job {}: cancelled"),
    ],
)
def test_waiting_ends_as_the_gate_does(call, jobs, worker, end, code, line):
    worker(*end)
    got, out, err = call("submit", "check", "--name", str(end), "--wait")
    number = jobs.page(limit=1)[0].id
    assert (got, out.startswith(line.format(number))) == (code, True)
    assert err.splitlines() == [f"job {number}: queued", f"job {number}: running, on worker"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("gate", "--ckpt", "a"), "a gate judges one --ckpt against one --baseline"),
        (("gate", "--ckpt", "a", "--baseline", "b", "--seed", 1), "a gate states its own seed"),
        (("robustness",), "--ckpt must name a checkpoint"),
    ],
)
def test_wrong_usage_is_said_before_the_service_is_asked(call, typed, said):
    code, out, err = call("submit", *typed, "--server", "http://127.0.0.1:9")
    assert (code, out) == (2, "")
    assert said in err


def test_a_service_that_is_away_is_waited_for_in_words(call, refused, monkeypatch):
    monkeypatch.setattr("acn_eval.client._PAUSE", 0.001)
    code, out, err = call("submit", "check", "--server", "http://127.0.0.1:9")
    assert (code, out) == (4, "")
    away = "http://127.0.0.1:9: must be a service that answers; got "
    starts = [line.partition(away)[0] for line in err.splitlines()]
    assert starts == ["waiting: ", "acn-eval: "]
    assert "--server: must be http://HOST:PORT" in refused(2, "submit", "check", "--server", "x")
