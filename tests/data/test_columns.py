"""Columns of images and labels, of any type that somebody writes."""

import pickle

import numpy as np
import pyarrow as pa
import pytest

from acn_eval.data import Geometry, open_examples
from acn_eval.errors import DataError, MeasureError
from tests.data.sources import refusal
from tests.data.tables import (
    IMAGE,
    encoded,
    label_of,
    one,
    pixels,
    table,
)


@pytest.fixture(params=["parquet", "hfds"])
def kind(request):
    return request.param


def test_images_without_a_label_are_left_out(tmp_path, kind):
    examples = open_examples(one(kind, tmp_path, table(pixels(5), pa.array([2, None, -1, 0, 1]))))
    assert examples.ids.tolist() == [0, 3, 4]
    assert examples.labels.tolist() == [2, 0, 1]
    assert "left out 2 images without a label" in examples.notes[0]
    read = examples.read(np.arange(3), Geometry(8, 3)).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(read, pixels(5)[[0, 3, 4]])


@pytest.mark.parametrize("coded", [False, True])
def test_labels_may_be_names(tmp_path, kind, coded):
    spelled = pa.array(["fox", "ant", "fox", None, "cat", "ant"])
    labels = spelled.dictionary_encode() if coded else spelled
    if coded and kind == "hfds":
        return  # a stream with dictionaries is refused: nobody writes one
    examples = open_examples(one(kind, tmp_path, table(pixels(6), labels, features={})))
    assert (examples.classes, examples.named) == (("ant", "cat", "fox"), True)
    assert examples.labels.tolist() == [2, 0, 2, 1, 0]
    assert examples.ids.tolist() == [0, 1, 2, 4, 5]


def test_numbers_without_names_are_counted(tmp_path, kind):
    examples = open_examples(one(kind, tmp_path, table(pixels(3), [4, 0, 2], features={})))
    assert (examples.classes, examples.named) == (tuple("01234"), False)


def test_a_column_of_labels_is_chosen(tmp_path, kind):
    """CIFAR-100 has fine and coarse ones; an image may be called anything."""
    features = {"img": IMAGE, "fine": label_of(), "coarse": label_of(["beast", "bug"])}
    content = table(pixels(4), [0, 1, 2, 0], features, more=pa.array([0, 1, 0, 0]))
    renamed = content.rename_columns(["img", "fine", "coarse"])
    name = one(kind, tmp_path, renamed.replace_schema_metadata(content.schema.metadata))
    assert "PATH@label" in refusal(name)
    assert "got 'medium' of" in refusal(f"{name}@medium")
    fine, coarse = open_examples(f"{name}@fine"), open_examples(f"{name}@coarse")
    assert fine.labels.tolist() == [0, 1, 2, 0]
    assert coarse.classes == ("beast", "bug")
    assert coarse.name == f"{name}@coarse"


def test_tables_of_something_else_are_named(tmp_path, kind):
    text = pa.table({"sentence": ["a", "b"], "label": [0, 1]})
    said = refusal(one(kind, tmp_path, text))
    assert "got 'sentence' (string), 'label' (int64). Sentences are read as tsv: or jsonl:" in said
    twice = table(pixels(2), [0, 1], {}, other=pa.array([b"a", b"b"]))
    assert "must have one column of images as bytes" in refusal(one(kind, tmp_path, twice))
    alone = table(pixels(2), [0, 1]).select(["image"])
    assert "must have one column of labels" in refusal(one(kind, tmp_path, alone))


@pytest.mark.parametrize(
    ("labels", "features", "said"),
    [
        ([0, 3], None, "numbers from 0 to 2; got 3"),
        ([0, -2], None, "numbers from 0 to 2; got -2"),
        ([0, 10**9], {}, "from 0 to 99999; got 1000000000"),
        (np.array([0, 2**64 - 1], np.uint64), {}, "must hold numbers of classes"),
        (["a", ""], {}, "different Unicode names"),
        (["a", "b" * 2000], {}, "different Unicode names"),
        ([0, 1], {"label": label_of(["a", "a"])}, "different Unicode names"),
        ([0, 1], {"label": label_of([1, 2])}, "different Unicode names"),
        ([0.5, 1.0], {}, "one column of labels"),
    ],
)
def test_strange_labels(tmp_path, kind, labels, features, said):
    assert said in refusal(one(kind, tmp_path, table(pixels(2), labels, features)))


def test_an_image_that_only_names_a_file_is_not_looked_for(tmp_path, kind):
    (tmp_path / "x.png").write_bytes(encoded(pixels(1)[0]))
    rows = pa.array([{"bytes": None, "path": str(tmp_path / "x.png")}, None])
    rows = rows.cast(pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    content = pa.table({"image": rows, "label": [0, 1]})
    examples = open_examples(one(kind, tmp_path, content))
    for i in range(2):
        with pytest.raises(
            DataError, match=f"row {i}: must hold an image as bytes; it holds none"
        ):
            examples.read(np.array([i]), Geometry(8, 3))


def test_a_part_is_sent_without_its_images(tmp_path, kind):
    examples = open_examples(one(kind, tmp_path, table(pixels(40, side=50), np.arange(40) % 3)))
    where = np.array([30, 3, 17])
    part = examples.at(where)
    assert len(part.hashes) == 3
    sent = pickle.dumps(part)
    assert len(sent) < 4000  # an image has 7,500 bytes
    own = pickle.loads(sent)
    assert own.digest == part.digest
    assert len(own.inputs) == 3
    assert own.inputs.place(1).endswith("row 3")
    geometry = Geometry(50, 3)
    assert own.read(np.arange(3), geometry).equal(examples.read(where, geometry))
    assert np.array_equal(own.inputs.hashes(np.arange(3)), part.hashes)


def test_a_part_whose_table_has_changed_is_not_shown(tmp_path, kind):
    examples = open_examples(one(kind, tmp_path, table(pixels(6), np.arange(6) % 3)))
    assert len(examples.hashes) == 6
    sent = pickle.dumps(examples.at(np.array([4, 1])))
    one(kind, tmp_path, table(pixels(6, seed=1), np.arange(6) % 3))
    with pytest.raises(MeasureError, match=r"row [14]: must stay as it is"):
        pickle.loads(sent).read(np.arange(2), Geometry(8, 3))
