"""Tables of images: what was written is read, in any order, from parquet and from Arrow."""

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from acn_eval.data import Geometry, open_examples
from acn_eval.errors import DataError
from tests.data.sources import refusal
from tests.data.tables import (
    CLASSES,
    IMAGE,
    arrow,
    label_of,
    one,
    parquet,
    pixels,
    saved_splits,
    table,
)

LABELS = np.arange(11) % 3


@pytest.fixture(params=["parquet", "hfds"])
def kind(request):
    return request.param


def test_every_row_is_read_in_any_order(tmp_path, kind):
    examples = open_examples(one(kind, tmp_path, table(pixels(11), LABELS)))
    assert (examples.classes, examples.named) == (CLASSES, True)
    assert examples.labels.tolist() == LABELS.tolist()
    order = np.random.default_rng(1).permutation(11)
    read = examples.at(order).read(np.arange(11), Geometry(8, 3))
    assert np.array_equal(read.permute(0, 2, 3, 1).numpy(), pixels(11)[order])
    assert len(np.unique(examples.hashes)) == 11
    assert np.array_equal(examples.at(order).hashes, examples.hashes[order])
    assert examples.inputs.shape() == (3, 8, 8)


def test_the_same_images_have_one_fingerprint_in_every_container(tmp_path):
    content = table(pixels(11), LABELS)
    names = [one(kind, tmp_path, content) for kind in ("parquet", "hfds")]
    shards = tmp_path / "shards"
    for i in range(3):
        parquet(shards / f"{i}.parquet", content.slice(4 * i, 4), rows=3)
    names.append(f"parquet:{shards}")
    arrow(tmp_path / "cache" / "x.arrow", content)
    names.append(f"hfds:{tmp_path / 'cache'}")
    assert len({open_examples(name).fingerprint for name in names}) == 1


def test_splits_are_found_in_the_names_that_hugging_face_gives(tmp_path):
    whole = table(pixels(100), np.arange(100) % 3)
    named = tmp_path / "named" / "data"
    parquet(named / "train-00000-of-00002.parquet", whole.slice(0, 40))
    parquet(named / "train-00001-of-00002.parquet", whole.slice(40, 20))
    parquet(named / "validation-00000-of-00001.parquet", whole.slice(60, 15))
    parquet(named / "test-00000-of-00001.parquet", whole.slice(75))
    inside = tmp_path / "inside"
    for split, part in (("train", whole.slice(0, 60)), ("val", whole.slice(60, 15))):
        parquet(inside / split / "0.parquet", part)
    cached = tmp_path / "cached" / "default" / "0.0.0"
    arrow(cached / "images-train.arrow", whole.slice(0, 60))
    arrow(cached / "images-test.arrow", whole.slice(75))
    parts = {"train": whole.slice(0, 60), "validation": whole.slice(60, 15)}
    both = saved_splits(tmp_path / "saved", **parts, test=whole.slice(75))

    def sizes(name):
        return [len(open_examples(name, s)) for s in ("train", "validation", "test")]

    assert sizes(f"parquet:{tmp_path / 'named'}") == sizes(f"hfds:{both}") == [60, 15, 25]
    train, validation, test = sizes(f"parquet:{inside}")
    assert (train + validation, test) == (60, 15)
    train, validation, test = sizes(f"hfds:{tmp_path / 'cached'}")
    assert (train + validation, test) == (60, 25)
    assert 0 < validation < 20
    with pytest.raises(DataError, match="has no train split; found test"):
        open_examples(one("parquet", tmp_path, whole), "train")


def test_two_saved_folders_of_one_split_are_refused(tmp_path):
    some = table(pixels(3), [0, 1, 2])
    both = saved_splits(tmp_path, val=some, validation=some)
    with pytest.raises(DataError, match="one folder of validation; got val and validation"):
        open_examples(f"hfds:{both}")


def test_a_test_set_without_labels_is_none(tmp_path):
    """Those of many data sets are secret: all of them are -1."""
    known, secret = table(pixels(6), [0, 1, 2, 0, 1, 2]), table(pixels(4), [-1] * 4)
    folder = saved_splits(tmp_path, train=known, validation=known.slice(0, 5), test=secret)
    examples = open_examples(f"hfds:{folder}")
    assert len(examples) == 5
    assert "its test set has no labels" in examples.notes[0]
    assert "images with labels; got 4 without" in refusal(one("parquet", tmp_path, secret))


def test_a_name_below_the_data_root_may_state_a_column(tmp_path):
    parquet(tmp_path / "a@b.parquet", table(pixels(3), [0, 1, 2]))
    for name in ("parquet:a@b.parquet", "parquet:a@b.parquet@label"):
        assert len(open_examples(name, "test", tmp_path)) == 3


def test_shards_have_the_same_columns(tmp_path):
    parquet(tmp_path / "a.parquet", table(pixels(2), [0, 1]))
    other = {"image": IMAGE, "label": label_of(["ant", "fox", "cat"])}
    parquet(tmp_path / "b.parquet", table(pixels(2), [0, 1], other))
    assert "must have the columns of a.parquet; b.parquet has others" in refusal(
        f"parquet:{tmp_path}"
    )
    (tmp_path / "b.parquet").rename(tmp_path / "test.parquet")
    assert "every file must state its split" in refusal(f"parquet:{tmp_path}")


def test_files_that_are_none(tmp_path):
    assert "there is none" in refusal(f"parquet:{tmp_path}")
    assert "there is none" in refusal(f"hfds:{tmp_path / 'x'}")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no more")
    assert "x.parquet must be a parquet file" in refusal(f"parquet:{tmp_path}")
    (tmp_path / "x.arrow").write_bytes(b"\xff" * 99)
    assert "x.arrow must be a stream of Arrow" in refusal(f"hfds:{tmp_path}")
    content = table(pixels(2), [0, 1])
    with pa.ipc.new_file(tmp_path / "x.arrow", content.schema) as out:
        out.write_table(content)
    assert "x.arrow must be a stream of Arrow" in refusal(f"hfds:{tmp_path}")


@pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd", "..", 3])
def test_a_state_leads_to_no_other_folder(tmp_path, name):
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    assert "must name its own splits and files" in refusal(f"hfds:{tmp_path}")
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": [name]}))
    assert "must name its own splits and files" in refusal(f"hfds:{tmp_path}")


def test_a_state_names_files_that_are_there(tmp_path):
    """A pipe would be waited for without end."""
    os.mkfifo(tmp_path / "x.arrow")
    for name in ("x.arrow", "y.arrow"):
        (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
        assert f"{name} must be a file; there is none" in refusal(f"hfds:{tmp_path}")


WRITTEN = Path(__file__).parent / "hugging_face"
"""By `datasets` 5.2.0: `DatasetDict.save_to_disk` and `Dataset.to_parquet`; image i has red 10 i,
and is of class i modulo 3."""


@pytest.mark.parametrize("name", [f"hfds:{WRITTEN / 'saved'}", f"parquet:{WRITTEN / 'parquet'}"])
def test_what_hugging_face_itself_has_written(name):
    def shown(split):
        examples = open_examples(name, split)
        assert examples.classes == ("fox", "ant", "cat")
        red = examples.read(np.arange(len(examples)), Geometry(4, 3))[:, 0, 0, 0]
        return [*zip(red.tolist(), examples.labels.tolist(), strict=True)]

    assert sorted(shown("train") + shown("validation")) == [(10 * i, i % 3) for i in range(4)]
    assert shown("test") == [(10 * i, i % 3) for i in range(4, 9)]
