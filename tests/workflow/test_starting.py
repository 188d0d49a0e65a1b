"""From data to the files of a study: valid, of one piece, never in the place of others."""

import math

import numpy as np
import pytest

from acn_eval.errors import ConfigError, DataError
from acn_eval.gate import read_gate
from acn_eval.studies.read import read_suite
from acn_eval.training import read_recipe
from acn_eval.workflow.starting import begin
from tests.data.tables import parquet, pixels, saved_splits, table


def arrays(folder, n=40, classes=2, splits=("train", "test")):
    folder.mkdir()
    for split in splits:
        images = np.random.default_rng(0).integers(0, 256, (n, 9, 9), np.uint8)
        np.savez(folder / f"{split}.npz", images=images, labels=np.arange(n) % classes)
    return f"npz:{folder}"


def test_the_files_belong_together(tmp_path):
    study = begin("digits", tmp_path / "study")
    acn, residual = read_recipe(study.acn), read_recipe(study.residual)
    assert (acn.pair, residual.pair) == ("res_vit.pt", "ac_vit.pt")
    assert acn.arch.classes == 10
    assert (acn.data, acn.arch.image_size, acn.arch.channels) == ("digits", 8, 1)
    gate, suite = read_gate(str(study.gate)), read_suite(str(study.suite))
    assert gate.suite == str(study.suite)
    assert gate.margins.primary == suite.equivalence_margin == study.margin
    assert {path.name for path in study.acn.parent.iterdir()} == {
        *("ac_vit.yaml", "res_vit.yaml", "robustness.yaml", "gate.yaml"),
    }


@pytest.mark.parametrize("kind", ["parquet", "hfds"])
def test_tables_of_hugging_face_are_data_as_well(tmp_path, kind):
    own = table(pixels(30, side=24), [i % 3 for i in range(30)])
    if kind == "parquet":
        for split in ("train", "test"):
            parquet(tmp_path / "food" / "data" / f"{split}-00000-of-00001.parquet", own)
    else:
        saved_splits(tmp_path / "food", train=own, test=own)
    study = begin(f"{kind}:{tmp_path / 'food'}", tmp_path / "study")
    recipe = read_recipe(study.acn)
    assert (recipe.arch.image_size, recipe.arch.channels, recipe.arch.classes) == (24, 3, 3)
    assert study.found.sizes.smallest == study.found.sizes.largest == (24, 24)


@pytest.mark.parametrize("n", [2, 40, 1000, 30_000])
def test_margins_are_what_the_test_images_can_show(tmp_path, n):
    """By the normal approximation, in closed form: 1.96 and .8416 are quantiles."""
    study = begin(arrays(tmp_path / "data", n), tmp_path / "study")
    shown = (1.959964 + 0.841621) * math.sqrt(0.06 / n)
    assert study.margin == pytest.approx(min(max(math.ceil(100 * shown) / 100, 0.01), 0.5))
    assert read_gate(str(study.gate)).margins.cell <= 0.5


def test_no_file_is_replaced_and_none_is_written_beside_it(tmp_path):
    (tmp_path / "gate.yaml").write_text("mine")
    with pytest.raises(
        ConfigError, match=r"gate\.yaml: must not be there; what is written is never"
    ):
        begin("digits", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gate.yaml"]
    assert (tmp_path / "gate.yaml").read_text() == "mine"


def test_what_it_cannot_start_from_is_said_in_one_sentence(tmp_path):
    out = tmp_path / "study"
    with pytest.raises(ConfigError, match=r"must hold images; got sentences\. Copy a recipe of"):
        begin("synthetic-sentences", out)
    with pytest.raises(DataError, match="train"):
        begin(arrays(tmp_path / "test", splits=("test",)), out)
    with pytest.raises(DataError, match="test"):
        begin(arrays(tmp_path / "train", splits=("train",)), out)
    with pytest.raises(ConfigError, match="must have two classes or more, and test images; got 1"):
        begin(arrays(tmp_path / "one", classes=1), out)
    with pytest.raises(DataError, match="data must be digits"):
        begin("nothing", out)
    assert not out.exists()
