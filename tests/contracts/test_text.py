"""Every study of checkpoints measures networks that read text, by the names of its suites."""

import pytest

from acn_eval.checkpoints import load
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.gate.config import read_gate
from acn_eval.gate.decide import decide
from acn_eval.studies.compare import compare
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
