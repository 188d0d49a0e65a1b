"""Modules and rows become the checkpoints and data sets of acn-eval."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from acn_eval.data import open_examples
from acn_eval.errors import CheckpointError, ConfigError, DataError
from acn_eval.mlflow_plugin.networks import baseline_of, checkpoint_of, network_of, written
from acn_eval.mlflow_plugin.plan import Plan, Reads
from tests.checkpoints.files import official_file

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 12), np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def linear():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def test_a_module_is_itself_and_a_loaded_model_is_what_it_holds():
    network = linear()
    assert network_of(network, "model") is network
    assert network_of(SimpleNamespace(get_raw_model=lambda: network), "model") is network
    with pytest.raises(ConfigError, match=r"baseline: must hold a torch network.*got list"):
        network_of(SimpleNamespace(get_raw_model=list), "baseline")


def test_the_input_is_normalized_as_described():
    digits, network = open_examples("digits", "test"), linear()
    checkpoint = checkpoint_of(network, Reads(mean=(0.25,), std=(0.5,)), digits, "vit")
    assert (checkpoint.id.name, checkpoint.id.preprocessing["size"]) == ("vit", 8)
    images = torch.rand(3, 1, 8, 8)
    expected = (images - 0.25) / 0.5
    torch.testing.assert_close(checkpoint.prepare(images), expected)
    with pytest.raises(ConfigError, match="one number for each of 1 channels"):
        checkpoint_of(network, Reads(mean=(0.5, 0.5)), digits, "vit")


def test_a_baseline_in_memory_has_the_input_of_the_plan_and_another_name():
    digits, network = open_examples("digits", "test"), linear()
    plan = Plan(suite="robustness", baseline=network, mean=(0.5,), std=(0.5,), name="candidate")
    baseline = baseline_of(plan, digits)
    assert baseline.id.name == "baseline"
    assert baseline.prepare.mean == (0.5,)
    assert baseline_of(Plan(suite="robustness"), digits) is None


def test_a_baseline_of_the_authors_needs_its_architecture(tmp_path):
    digits, path = open_examples("digits", "test"), official_file(tmp_path / "a.pth.tar")
    plan = Plan(suite="robustness", baseline=str(path), baseline_arch="official/res-mixer")
    assert baseline_of(plan, digits).id.arch["connectivity"] == "ffn"
    with pytest.raises(CheckpointError, match="say which with `arch`"):
        baseline_of(plan.model_copy(update={"baseline_arch": None}), digits)


def test_rows_are_a_data_set_named_after_its_content(tmp_path):
    reads = Reads(classes=("a", "b", "c"))
    name = written(PIXELS, LABELS, (2, 2, 3), reads, tmp_path)
    assert name == written(PIXELS, LABELS, (2, 2, 3), reads, tmp_path)
    assert name != written(PIXELS, LABELS[::-1], (2, 2, 3), reads, tmp_path)
    examples = open_examples(name, "test", tmp_path)
    assert examples.classes == ("a", "b", "c")
    assert sorted(examples.labels) == sorted(LABELS)


@pytest.mark.parametrize(
    ("rows", "image", "error", "words"),
    [
        (PIXELS, None, ConfigError, r"image must be \(height, width, channels\)"),
        (PIXELS, (2, 2, 1), ConfigError, "image must fit rows"),
        (PIXELS / 255, (2, 2, 3), DataError, "must be uint8"),
    ],
)
def test_rows_that_are_no_images_are_refused(rows, image, error, words, tmp_path):
    with pytest.raises(error, match=words):
        written(rows, LABELS, image, Reads(), tmp_path)
