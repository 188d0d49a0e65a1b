"""What is said about jobs: in the words of the command line."""

from acn_eval.gate.sentence import LABEL
from acn_eval.service.pages.words import about, title, verdict_label
from acn_eval.service.requests import Check, Evaluate, Judge


def test_verdicts_are_those_of_the_command_line():
    assert {name: verdict_label(name) for name in LABEL} == LABEL


def test_every_request_is_said_in_a_line(service):
    said = {}
    requests = (
        Check(name="a"),
        Judge(candidate="new.pt", baseline="old.pt"),
        Judge(candidate="first.pt", baseline=None),
        Evaluate(candidates=("a.pt",), baselines=()),
        Evaluate(candidates=("a.pt", "b.pt", "c.pt", "d.pt"), baselines=("x.pt",)),
    )
    for request in requests:
        job, _ = service.jobs.submit(request, by="alice")
        said[title(job)] = about(job)
    assert said == {
        "check a": "measures nothing: shows that a worker takes jobs",
        "new.pt": "against old.pt (gate: gate)",
        "first.pt": "without a baseline (gate: gate)",
        "a.pt": "without a baseline (suite: robustness)",
        "a.pt, b.pt, c.pt and 1 more": "against x.pt (suite: robustness)",
    }
