"""A modality that acn-eval has never heard of, added by the steps of CONTRIBUTING, end to end.

`modality/` is an installed package: a module, the metadata of a wheel, and the YAML of a suite.
"""

import re
from importlib import import_module
from pathlib import Path

import mlflow
import numpy as np
import pytest
import torch

from acn_eval.checkpoints import load, reframed
from acn_eval.corruptions import NoiseKey
from acn_eval.data import open_examples
from acn_eval.errors import ConfigError, DataError, Unsupported
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.results import EvalResult
from acn_eval.studies.read import read_suite

HERE = Path(__file__).parent / "modality"
SUITE = str(HERE / "drop.yaml")
SIDES = ("--ckpt", "toy:sharp", "--baseline", "toy:blurred")


@pytest.fixture(autouse=True)
def toy(monkeypatch, tmp_path):
    """Install the package, and work in an empty folder."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.chdir(tmp_path)
    return import_module("toy_sequences")


def by_hand(toy, name, level):
    """Accuracy of a network, sequence by sequence, with nothing of the pass."""
    checkpoint, examples = load(f"toy:{name}"), open_examples("toy:sums")
    table, right = checkpoint.model.inner.embedding.weight[:, 0], 0
    key = NoiseKey(0).words("drop_tokens")
    for i, label in zip(examples.ids, examples.labels, strict=True):
        draw = toy.uniform16(torch.tensor([i]), toy.LONGEST, key)[0]
        tokens = torch.from_numpy(examples.inputs.tokens[i])
        kept = tokens[(tokens >= 0) & (draw >= round(65536 * level))]
        right += int((table[kept].sum() > 0) == label)
    return right / len(examples)


def test_the_numbers_are_those_of_a_loop_over_sequences(toy, runtime):
    results = evaluate(["toy:sharp", "toy:blurred"], SUITE, runtime=runtime)
    for result in results:
        found = {cell.condition["level"]: float(np.mean(cell.values)) for cell in result.cells}
        expected = {level: by_hand(toy, result.checkpoint.name, level) for level in (0, 0.2, 0.5)}
        assert found == pytest.approx(expected, abs=1e-7)
        assert expected[0] > expected[0.5]
    assert results[0].checkpoint.preprocessing == {"length": toy.LONGEST}
    assert results[0].checkpoint.parameters == toy.TOKENS + 2


def test_neither_batches_nor_what_is_kept_change_a_number(toy, runtime):
    first = evaluate(["toy:blurred"], SUITE, runtime=runtime)[0]
    again = evaluate(["toy:blurred"], SUITE, runtime=runtime)[0]
    other = evaluate(["toy:blurred"], SUITE, DataSelection(limit=100), runtime=runtime)[0]
    assert first.noise_digest == again.noise_digest == other.noise_digest
    for one, two, part in zip(first.cells, again.cells, other.cells, strict=True):
        assert np.array_equal(one.values, two.values)
        known = dict(zip(one.ids.tolist(), one.values.tolist(), strict=True))
        assert part.values.tolist() == [known[i] for i in part.ids.tolist()]


def test_a_suite_is_read_and_written_with_the_corruption_of_the_package(toy):
    suite = read_suite(SUITE)
    assert suite.corruptions == (toy.DropTokens(levels=(0.2, 0.5)),)
    assert type(suite).model_validate(suite.model_dump(mode="json")) == suite


def test_from_command_to_verdict_mlflow_gate_and_report(call, tmp_path):
    code, out, _ = call("robustness", *SIDES, "--suite", SUITE)
    assert code == 0
    assert "drop tokens 0.5" in out
    runs = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    (experiment,) = (e for e in runs.search_experiments() if "dropped" in e.name)
    assert len(runs.search_runs([experiment.experiment_id])) == 3  # two sides, one comparison
    results = tmp_path / "acn-results"
    sharp, blurred = (next(results.glob(f"dropped-tokens-{n}-*")) for n in ("sharp", "blurred"))
    assert EvalResult.load(sharp).suite["corruptions"][0]["kind"] == "drop_tokens"
    code, out, _ = call("compare", sharp, blurred)
    assert (code, "drop tokens 0.5" in out) == (0, True)
    gate = ("--suite", HERE / "drop_gate.yaml", "--no-track")
    assert call("gate", "--result", sharp, "--against", blurred, *gate)[0] == 0
    assert call("gate", "--result", blurred, "--against", sharp, *gate)[0] == 1
    assert call("report")[0] == 0
    page = (tmp_path / "report.html").read_text()
    assert "token sequences are not drawn" in page
    assert "drop tokens" in page
    assert not re.search(r"data:image/png", page)


def test_networks_data_and_corruptions_of_two_modalities_are_refused_in_one_line(toy, runtime):
    with pytest.raises(ConfigError, match="gaussian: examples must be images; got token sequenc"):
        evaluate(["toy:sharp"], "robustness", runtime=runtime)
    with pytest.raises(ConfigError, match="drop_tokens: examples must be token sequences; got im"):
        evaluate(["ac_vit.pt"], SUITE, runtime=runtime)
    with pytest.raises(DataError, match="digits: must hold token sequences, which the network re"):
        open_examples("digits").read(np.arange(2), toy.SequenceSpec())
    with pytest.raises(Unsupported, match="sharp: must read images; it reads token sequences"):
        reframed(load("toy:sharp"), {"crop_pct": 0.9})


def test_a_package_that_cannot_be_imported_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "broken-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (folder / "entry_points.txt").write_text("[acn_eval.data]\nbroken = not_there:opener\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="broken: not_there:opener must be importable"):
        open_examples("broken:x")
