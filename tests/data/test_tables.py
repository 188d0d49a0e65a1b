"""Tables of images: what was written is read, in any order, from parquet and from Arrow."""

import json
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from acn_eval.data import Geometry, open_examples
from acn_eval.errors import DataError, MeasureError
from tests.data.sources import refusal
from tests.data.tables import (
    CLASSES,
    IMAGE,
    arrow,
    encoded,
    label_of,
    parquet,
    pixels,
    saved,
    saved_splits,
    table,
)

LABELS = np.arange(11) % 3


def one(kind, folder, content):
    """The test set of a table in a file, or in a folder."""
    if kind == "parquet":
        return f"parquet:{parquet(folder / 'set.parquet', content)}"
    return f"hfds:{saved(folder / 'set', content)}"


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


def test_a_test_set_without_labels_is_none(tmp_path):
    """Those of many data sets are secret: all of them are -1."""
    known, secret = table(pixels(6), [0, 1, 2, 0, 1, 2]), table(pixels(4), [-1] * 4)
    folder = saved_splits(tmp_path, train=known, validation=known.slice(0, 5), test=secret)
    examples = open_examples(f"hfds:{folder}")
    assert len(examples) == 5
    assert "its test set has no labels" in examples.notes[0]
    assert "images with labels; got 4 without" in refusal(one("parquet", tmp_path, secret))


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


def test_a_name_below_the_data_root_may_state_a_column(tmp_path):
    parquet(tmp_path / "a@b.parquet", table(pixels(3), [0, 1, 2]))
    for name in ("parquet:a@b.parquet", "parquet:a@b.parquet@label"):
        assert len(open_examples(name, "test", tmp_path)) == 3


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


def test_a_damaged_image_is_named_by_its_row(tmp_path, kind):
    content = table(pixels(3), [0, 1, 2])
    rows = content.column("image").to_pylist()
    rows[1]["bytes"] = rows[1]["bytes"][:50]
    examples = open_examples(one(kind, tmp_path, content.set_column(0, "image", [rows])))
    with pytest.raises(DataError, match=r"row 1: must be an image; .*truncated"):
        examples.read(np.arange(3), Geometry(8, 3))


def test_a_table_that_changes_is_not_shown(tmp_path):
    path = parquet(tmp_path / "set.parquet", table(pixels(3), [0, 1, 2]))
    examples = open_examples(f"parquet:{path}")
    assert len(examples.hashes) == 3
    examples.inputs.rows._kept.clear()
    parquet(path, table(pixels(3, seed=1), [0, 1, 2]))
    with pytest.raises(MeasureError, match="row 0: must stay as it is"):
        examples.read(np.arange(3), Geometry(8, 3))


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


def test_batches_that_would_be_unpacked_are_refused(tmp_path):
    """A compressed batch states its size itself, and may be a bomb."""
    content = table(np.zeros((4, 64, 64, 3), np.uint8), [0, 1, 2, 0])
    for compression in ("zstd", "lz4"):
        arrow(tmp_path / "x.arrow", content, compression=compression)
        assert "must be plain: not compressed" in refusal(f"hfds:{tmp_path}")
    coded = table(pixels(2), pa.array(["a", "b"]).dictionary_encode(), {})
    arrow(tmp_path / "x.arrow", coded)
    assert "without dictionaries" in refusal(f"hfds:{tmp_path}")


def test_a_row_group_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("acn_eval.data.parquet_rows._LARGEST_GROUP", 300)
    examples = open_examples(one("parquet", tmp_path, table(pixels(3), [0, 1, 2])))
    with pytest.raises(DataError, match=r"row group 0 must take at most .*row_group_size=1000"):
        examples.read(np.arange(1), Geometry(8, 3))


def test_a_dictionary_is_not_unpacked(tmp_path):
    """One image of a megabyte in 4,000 rows is a file of a megabyte, and stays one in memory."""
    noise = encoded(pixels(1, side=600)[0], "BMP")
    rows = pa.DictionaryArray.from_arrays(np.zeros(4000, np.int32), pa.array([noise]))
    content = pa.table({"image": rows, "label": np.arange(4000) % 2})
    path = tmp_path / "set.parquet"
    pq.write_table(content, path, dictionary_pagesize_limit=2**22, store_schema=False)
    assert path.stat().st_size < 3 * len(noise)
    before = pa.total_allocated_bytes()
    examples = open_examples(f"parquet:{path}")
    examples.read(np.array([0, 3999]), Geometry(8, 3))
    assert pa.total_allocated_bytes() - before < 8 * len(noise)


def test_memory_is_flat(tmp_path, kind, monkeypatch):
    """Of 60 batches of images, a few are in memory at a time."""
    monkeypatch.setattr("acn_eval.data.parquet_rows._KEPT", 2**20)
    images = pixels(240, side=100)
    name = one(kind, tmp_path, table(images, np.arange(240) % 3))
    del images
    examples, before = open_examples(name), pa.total_allocated_bytes()
    tracemalloc.start()
    assert len(examples.hashes) == 240
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    held = pa.total_allocated_bytes() - before
    assert held + peak < 3 * 2**20  # all have 7 MB
