"""Every study of checkpoints measures networks that read text, by the names of its suites."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from acn_eval.checkpoints import load
from acn_eval.data import open_examples
from acn_eval.errors import ConfigError, DataError
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.gate.config import Gate, read_gate
from acn_eval.gate.decide import decide
from acn_eval.studies.compare import compare, summarize
from acn_eval.studies.read import read_suite
from tests.training.texts import classes, masked, scored, trained, write_scored

FEW = DataSelection(limit=48)
NOISE = read_suite("robustness")
METHODS = tuple(
    method.model_copy(update={"steps": 4} if method.kind == "gradual" else {})
    for method in read_suite("pruning").methods
    if method.kind in {"magnitude", "gradual"} and method.blocks is None
)
PAPER = tuple(
    method.model_copy(update={"steps": 2, "epochs": 1} if method.kind == "movement" else {})
    for method in read_suite("pruning_paper").methods
    if method.kind in {"magnitude", "movement"}
)
QUICK = {
    "robustness": {},
    "compression": {"seconds": 1e-6},
    "transfer": {"protocols": ("ridge",)},
    "pruning": {"seconds": 1e-6, "sparsities": (0.0, 0.5), "methods": METHODS, "noise": NOISE},
    "pruning_paper": {"seconds": 1e-6, "sparsities": (0.0, 0.5), "methods": PAPER},
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


@pytest.mark.parametrize("name", ["transfer", "low_data_fine_tune"])
def test_a_masked_language_model_is_probed_and_fine_tuned(name, tmp_path, runtime):
    trained(masked(), tmp_path / "mlm.pt")
    suite = read_suite(name).model_copy(update=QUICK[name])
    found = evaluate([load(str(tmp_path / "mlm.pt"))], suite, FEW, runtime=runtime)
    assert {len(cell.values) for result in found for cell in result.cells} == {48}


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


def test_networks_learn_from_few_sentences(runtime):
    changes = {"draws": 2, "per_class": (3, 6), "steps": 2}
    suite = read_suite("low_data_text").model_copy(update=changes)
    results = evaluate([], suite, DataSelection(limit=48), runtime=runtime)
    assert [r.checkpoint.name for r in results] == [
        f"{side}_bert_small draw {draw}" for side in ("acn", "res") for draw in (0, 1)
    ]
    assert results[0].checkpoint.preprocessing == {"pieces": 175, "tokens": 32}
    assert compare(results[:2], results[2:]).n == 48
    together = suite.model_copy(update={"training": "together"})
    with pytest.raises(ConfigError, match="recipe must read images, in fp32, with the last exit"):
        evaluate([], together, DataSelection(limit=48), runtime=runtime)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """A pair of networks that answer with a number, and where their data is."""
    root = tmp_path_factory.mktemp("numbers")
    write_scored(root)
    for name, steps in (("acn", 100), ("residual", 20)):
        trained(scored(steps=steps), root / f"{name}.pt", root=root)
    return [load(str(root / f"{name}.pt")) for name in ("acn", "residual")], root


def test_numbers_are_correlated_clean_and_corrupted(numbers, runtime):
    pair, root = numbers
    chosen = DataSelection(root=root)
    results = evaluate(pair, "robustness", chosen, runtime=runtime)
    shown = open_examples("glue:stsb", "test", root)
    for own, checkpoint in zip(results, pair, strict=True):
        clean = own.cells[0]
        texts = checkpoint.prepare.spec.upload(
            shown.read(clean.ids, checkpoint.prepare.spec), torch.device("cpu")
        )
        with torch.no_grad():
            numbers_ = checkpoint.model(checkpoint.prepare(texts))[:, 0].numpy()
        np.testing.assert_allclose(clean.values, numbers_, atol=1e-5)
        assert np.array_equal(clean.targets, shown.targets[clean.ids])
        for metric, of in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
            rows = summarize([own], metric=metric)
            known = [of(cell.values, cell.targets).statistic for cell in own.cells]
            found = [row.estimate.value for row in rows]
            counted = [r for r, cell in zip(known, own.cells, strict=True) if cell.primary]
            np.testing.assert_allclose(found, [*known, np.mean(counted)], atol=1e-5)
    found = compare(results[:1], results[1:])
    assert found.quantity.name == "Pearson correlation"
    assert found.rows[0].name == "clean"
    assert found.rows[0].candidate.value > 0.9
    gate = Gate(name="toy", metric="pearson", margins={"primary": 0.05})
    assert decide(gate, *results).verdict == "pass"


@pytest.mark.parametrize("name", [name for name in QUICK if name != "robustness"])
def test_other_suites_want_classes(name, numbers, runtime):
    pair, root = numbers
    with pytest.raises(DataError, match="glue:stsb: examples must have classes here"):
        evaluate(pair, name, DataSelection(root=root), runtime=runtime)


def test_a_network_that_answers_with_a_number_has_no_classes(numbers, pair, runtime):
    ours, root = numbers
    chosen = DataSelection("synthetic-sentences", limit=48)
    with pytest.raises(DataError, match="acn: must answer with classes, which synth"):
        evaluate(ours[:1], "robustness", chosen, runtime=runtime)
    chosen = DataSelection("glue:stsb", root=root)
    with pytest.raises(DataError, match="acn: must answer with a number, which glue"):
        evaluate(pair[:1], "robustness", chosen, runtime=runtime)
