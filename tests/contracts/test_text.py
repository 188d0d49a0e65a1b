"""Every study of checkpoints measures networks that read text, by the names of its suites."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval.checkpoints import load
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.gate.config import read_gate
from acn_eval.gate.decide import decide
from acn_eval.studies.compare import compare, summarize
from acn_eval.studies.read import read_suite
from tests.training.texts import classes, trained

FEW = DataSelection(limit=48)
NOISE = read_suite("robustness")
METHODS = tuple(
    method.model_copy(update={"steps": 4} if method.kind == "gradual" else {})
    for method in read_suite("pruning").methods
    if method.kind in {"magnitude", "gradual"} and method.blocks is None
)
QUICK = {
    "robustness": {},
    "compression": {"seconds": 1e-6},
    "transfer": {"protocols": ("ridge",)},
    "pruning": {"seconds": 1e-6, "sparsities": (0.0, 0.5), "methods": METHODS, "noise": NOISE},
    "dynamics": {},
    "low_data_probe": {"draws": 2, "per_class": (2, 4)},
    "low_data_fine_tune": {"draws": 2, "per_class": (2,), "steps": 2, "batch": 2},
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    for name in ("acn", "residual"):
        trained(classes(arch={"connectivity": name, "depth": 2}), folder / f"{name}.pt")
    return [load(str(folder / f"{name}.pt")) for name in ("acn", "residual")]


@pytest.mark.parametrize("name", QUICK)
def test_a_suite_by_its_name(name, pair, runtime):
    suite = read_suite(name).model_copy(update=QUICK[name])
    results = evaluate(pair, suite, FEW, runtime=runtime)
    half = len(results) // 2
    found = compare(results[:half], results[half:])
    assert found.n == 48
    assert results[0].suite["name"] == ("robustness_text" if name == "robustness" else name)
    noises = {str(cell.condition.get("corruption", "clean")) for cell in results[0].cells}
    assert not noises & {"gaussian", "salt_pepper"}
    assert ("keyboard" in noises) == (name in {"robustness", "compression", "pruning"})


def test_noise_on_embeddings_is_measured_and_in_no_mean(pair, runtime):
    quick = read_suite("compression").model_copy(update=QUICK["compression"])
    (result,), (small,), (deep,) = (
        evaluate(pair[:1], suite, FEW, runtime=replace(runtime, batch_size=size))
        for suite, size in (("robustness", 48), ("robustness", 7), (quick, 48))
    )
    inside = [c for c in result.cells if c.condition["corruption"] == "embedding_gaussian"]
    assert [c.condition["level"] for c in inside] == [0.1, 0.2, 0.4]
    assert not any(c.primary for c in inside)
    assert sum(c.primary for c in result.cells) == 18
    assert any("embedding_gaussian: it is in no mean" in line for line in result.warnings)
    *_, mean = summarize([result])
    counted = np.mean([c.values.mean() for c in result.cells if c.primary])
    assert mean.estimate.value == pytest.approx(counted)
    clean = result.cells[0].confidence
    moved = [np.abs(c.confidence - clean).mean() for c in inside]
    assert 0 < moved[0] < moved[1] < moved[2]
    exits = [
        next(c for c in deep.cells if {**own.condition, "exit": 2}.items() == c.condition.items())
        for own in inside
    ]
    others = [c for c in small.cells if c.condition["corruption"] == "embedding_gaussian"]
    for one, *same in zip(inside, others, exits, strict=True):
        for other in same:
            np.testing.assert_array_equal(one.ids, other.ids)
            np.testing.assert_allclose(one.confidence, other.confidence, atol=1e-5)


def test_the_suite_that_was_taken_is_recorded_without_its_way(pair, runtime):
    own = read_suite("robustness").model_copy(update={"repeats": 2})
    (result,) = evaluate(pair[:1], own, FEW, runtime=runtime)
    assert "instead" not in result.suite
    assert result.suite["repeats"] == 2
    assert (
        result.suite["corruptions"]
        == read_suite("robustness_text").model_dump(mode="json")["corruptions"]
    )


def test_images_are_asked_what_they_were():
    suite = read_suite("robustness").shown_as("images")
    assert suite.model_dump() == read_suite("robustness").model_dump(exclude={"instead"})


def test_the_shipped_gate_judges_text(pair, runtime):
    ours, theirs = evaluate(pair, "robustness", FEW, runtime=runtime)
    verdict = decide(read_gate("gate"), ours, theirs)
    assert {"mean corrupted", "clean", "drop words 0.4"} <= {rule.name for rule in verdict.rules}
