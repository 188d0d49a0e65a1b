"""What the terminal says of results: the answer first, then how sure, then the details."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from acn_eval.results import Skip
from acn_eval.statistics.comparison import Accuracy, Estimate, Finding, ManifestRow
from acn_eval.statistics.metrics import METRICS
from acn_eval.studies.compare import compare
from acn_eval.terminal.comparisons import (
    answer_alone,
    duration,
    limits,
    milliseconds,
    probability,
    show_comparison,
    show_findings,
    show_manifest,
    show_notes,
    show_other_metrics,
)
from tests.statistics.results import outcomes, simple
from tests.studies.test_compare import paraphrases


@pytest.fixture
def sides():
    rng = np.random.default_rng(0)
    return [
        simple(name, *(outcomes(a, 360, rng) for a in shares), about={"sha256": name})
        for name, shares in (("acn", (0.9, 0.9, 0.9)), ("res", (0.9, 0.5, 0.5)))
    ]


@pytest.fixture
def out():
    return Console(file=io.StringIO(), width=10_000, record=True)


def lines(out):
    return out.file.getvalue().splitlines()


def test_the_answer_comes_first_then_how_sure_it_is(out, sides):
    found = compare(sides[:1], sides[1:])
    show_comparison(out, found)
    first, second, *rest = lines(out)
    assert first == found.claim.sentence
    assert first.startswith("acn is more robust than res: mean corrupted ")
    assert second == found.claim.certainty
    assert sum(line.startswith("Primary endpoint, mean corrupted: ") for line in rest) == 1


def test_without_a_baseline_the_endpoint_is_the_answer(sides):
    text = answer_alone(sides[:1])
    assert text.startswith("acn: mean corrupted 9")
    assert text.endswith(" % (95 % interval, n = 360).")


def test_a_skip_is_named_in_full(out, sides):
    pruned = {"method": "magnitude", "blocks": 4, "sparsity": 0.6, "corruption": "clean"}
    suite = {"kind": "pruning", "name": "pruning"}
    left_out = replace(sides[0], suite=suite, skipped=(Skip(pruned, "acn has 2 blocks"),))
    show_notes(out, [left_out], [])
    assert "not measured: magnitude of 4 blocks 0.6 (acn has 2 blocks)" in lines(out)[0]


def test_skips_of_one_reason_are_one_line(out, sides):
    fog = [{"corruption": "fog", "level": level} for level in (1, 2)]
    skipped = tuple(Skip(condition, "no such folder") for condition in fog)
    other = Skip({"corruption": "snow", "level": 1}, "another reason")
    show_notes(out, [replace(sides[0], skipped=(*skipped, other))], [])
    found = [line.strip() for line in lines(out) if "not measured" in line]
    assert found == [
        "! not measured: fog 1, fog 2 (no such folder)",
        "! not measured: snow 1 (another reason)",
    ]


def test_findings_are_whole_sentences(out):
    value = Estimate(50.0, 40.0, 60.0)
    show_findings(out, [Finding("share needed", "%", value, value, value, "one note")])
    assert lines(out) == [
        "Share needed: 50 % [40, 60] against 50 % [40, 60], difference +50 points [+40, +60] "
        "(one note)."
    ]


def test_numbers_in_words():
    e = Estimate(0.5, 0.25, 0.75)
    assert limits(Accuracy("clean", {}, 9, e)) == "50.0 [25.0, 75.0]"
    score = METRICS["brier"].quantity
    assert limits(Accuracy("clean", {}, 9, e, quantity=score)) == "0.500 [0.250, 0.750]"
    assert [probability(p) for p in (0.0001, 0.0421)] == ["<0.001", "0.042"]
    assert [duration(s) for s in (5, 600, 9000)] == ["5 s", "10 min", "2 h"]
    latency = {"median_ms": 1.0, "p95_ms": 2.0}
    assert milliseconds(latency) == "1.00 (2.00)"
    assert milliseconds(latency | {"steady": False}) == "disturbed"


STEPS, RATE = ManifestRow("steps", "3", "3", True), ManifestRow("rate", "0.1", "0.2", False)
RECIPE, SEED = (
    ManifestRow("recipe", "b " * 30, "b " * 30, True),
    ManifestRow("data", "x", "", None),
)


def test_a_fair_pair_is_a_sentence(out):
    show_manifest(out, [STEPS, RECIPE], ("a", "b"))
    assert lines(out) == ["", "The pair is fair: both sides have equal steps 3; recipe."]


def test_only_what_differs_or_is_unknown_takes_rows(out):
    show_manifest(out, [STEPS, RATE, SEED], ("a", "b"))
    _, equal, *table = lines(out)
    assert equal == "Both sides have equal steps 3."
    rows = [line.split() for line in table]
    assert rows == [
        ["fair", "pair", "a", "b", "equal?"],
        ["rate", "0.1", "0.2", "DIFFERS"],
        ["data", "x", "unknown"],
    ]


def test_a_second_metric_of_the_data_stands_beside_the_first(out):
    own, other = ([paraphrases(n, s, metrics=["f1", "accuracy"])] for n, s in (("a", 1), ("b", 5)))
    show_other_metrics(out, own, other)
    show_other_metrics(out, own, ())
    first, second = lines(out)
    assert (
        first == f"Beside it, in accuracy: {compare(own, other, metric='accuracy').claim.sentence}"
    )
    assert second == f"Beside it, in accuracy: {answer_alone(own, 'accuracy')}"
    show_other_metrics(out, own, other, "f1")
    assert len(lines(out)) == 2
