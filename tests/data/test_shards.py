"""``wds:PATH``: tar shards, against WebDataset's own writer and reader."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from webdataset.autodecode import Decoder, imagehandler
from webdataset.tariterators import group_by_keys, tar_file_expander

from acn_eval.data import Geometry, open_examples
from acn_eval.data.shards import files_of_pattern
from acn_eval.errors import MeasureError
from tests.data.shards import encoded, sample, tar, written
from tests.data.sources import refusal


@pytest.fixture
def folder(tmp_path):
    """Two shards of train, one of val, and names of three classes."""
    for i in range(2):
        own = (sample(s, s % 3) for s in range(20 * i, 20 * i + 20))
        written(tmp_path / f"train-{i:03}.tar", own)
    written(tmp_path / "val-000.tar", (sample(s, s % 3) for s in range(50, 56)))
    (tmp_path / "classes.txt").write_text("cat\nant\nbee\n")
    return tmp_path


def test_pixels_and_labels_are_those_of_webdataset(folder):
    examples = open_examples(f"wds:{folder}")
    with (folder / "val-000.tar").open("rb") as stream:
        files = tar_file_expander([{"url": "val-000.tar", "stream": stream}])
        decoded = map(Decoder([imagehandler("rgb8")]), group_by_keys(files))
        theirs = [(own["__key__"], own["png"], own["cls"]) for own in decoded]
    assert len(theirs) == len(examples) == 6
    shown = examples.read(np.arange(6), Geometry(7, 3)).permute(0, 2, 3, 1).numpy()
    for (key, pixels, label), ours, own, where in zip(
        theirs, shown, examples.labels, examples.positions, strict=True
    ):
        assert np.array_equal(pixels[:, 1:8], ours)
        assert label == own
        assert examples.inputs.place(where).endswith(f"val-000.tar: {key}.png")


def test_splits_are_those_that_names_of_shards_state(folder):
    name = f"wds:{folder}"
    train, validation, test = (open_examples(name, s) for s in ("train", "validation", "test"))
    assert len(train) + len(validation) == 40
    assert 0 < len(validation) < 15
    assert not np.isin(train.ids, validation.ids).any()
    assert test.classes == train.classes == ("cat", "ant", "bee")
    assert test.named


def test_a_pattern_names_its_shards(folder):
    whole = open_examples(f"wds:{folder}", "train")
    (folder / "train-999.tar").write_bytes(b"of no concern")
    pattern = open_examples(f"wds:{folder}/{{train,val}}-00{{0..0}}.tar", "train")
    assert set(pattern.ids) < {*whole.ids, *open_examples(f"wds:{folder}/val-000.tar").ids}
    assert [str(p) for p in files_of_pattern(Path("a-{8..10}.tar"))] == [
        *("a-8.tar", "a-9.tar", "a-10.tar")
    ]
    assert "there is no " in refusal(f"wds:{folder}/val-{{000..001}}.tar")
    assert "there is no " in refusal(f"wds:{folder}/val-{{0..999999999}}.tar")


def test_a_pattern_is_looked_for_below_the_data_root(folder):
    assert len(open_examples("wds:val-{000..000}.tar", root=folder)) == 6


def test_folders_may_state_the_split_as_in_clip_benchmark(tmp_path):
    for split in ("train", "test"):
        own = ({"__key__": f"s{i}", "webp": encoded(i, "WEBP"), "cls": b"1\n"} for i in range(3))
        written(tmp_path / split / "0.tar", own)
        (tmp_path / split / "nshards.txt").write_text("1")
    (tmp_path / "classnames.txt").write_text("a cat\na dog\n")
    examples = open_examples(f"wds:{tmp_path}")
    assert examples.classes == ("a cat", "a dog")
    assert examples.labels.tolist() == [1, 1, 1]


def test_labels_in_json_as_timm_writes_them(tmp_path):
    own = [
        {"__key__": "a", "jpg": encoded(0, "JPEG"), "json": b'{"label": 2, "width": 9}'},
        {"__key__": "b", "jpg": encoded(1, "JPEG"), "json": b'{"label": 0}', "cls": b"1"},
    ]
    examples = open_examples(f"wds:{written(tmp_path / 'x.tar', own)}")
    assert examples.labels.tolist() == [2, 1]
    assert examples.classes == ("0", "1", "2")
    assert not examples.named


def test_names_are_labels_too(tmp_path):
    path = written(tmp_path / "x.tar", [sample(0, "dog"), sample(1, "cat"), sample(2, "x")])
    examples = open_examples(f"wds:{path}")
    assert examples.classes == ("cat", "dog", "x")
    assert examples.labels.tolist() == [1, 0, 2]
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    assert "got 'x'" in refusal(f"wds:{path}")


def test_numbers_among_names_need_a_list(tmp_path):
    path = written(tmp_path / "x.tar", [sample(0, "dog"), sample(1, "10"), sample(2, "2")])
    assert "all numbers or all names; got '10' and 'dog'" in refusal(f"wds:{path}")
    (tmp_path / "classes.txt").write_text("dog\n2\n10\n")
    assert open_examples(f"wds:{path}").labels.tolist() == [0, 2, 1]


def test_ids_are_those_of_the_keys_wherever_they_lie(folder, tmp_path):
    before = open_examples(f"wds:{folder}")
    samples = [sample(s, s % 3) for s in reversed(range(50, 56))]
    for i in range(2):
        written(tmp_path / "moved" / f"part-{i}.tar", samples[3 * i : 3 * i + 3])
    (tmp_path / "moved" / "classes.txt").write_text("cat\nant\nbee\n")
    after = open_examples(f"wds:{tmp_path / 'moved'}")
    assert after.fingerprint == before.fingerprint


def test_what_is_left_out_is_said(tmp_path):
    own = [
        {**sample(0, 0), "txt": b"a cat", "npy": b"x"},
        sample(1, -1),
        {"__key__": "c", "png": encoded(2)},
        {"__key__": "d", "json": b'{"label": null}', "png": encoded(3)},
        {"__key__": "e", "cls": b"0"},
    ]
    examples = open_examples(f"wds:{written(tmp_path / 'x.tar', own)}")
    assert len(examples) == 1
    assert "left out 3 images without a label, 1 .npy, 1 .txt" in examples.notes[0]


def test_an_image_that_says_to_be_turned_is_counted_without_reading(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new("RGB", (8, 8)).save(tmp_path / "x.jpg", exif=exif)
    own = {"__key__": "a", "jpg": (tmp_path / "x.jpg").read_bytes(), "cls": b"0"}
    path = written(tmp_path / "x.tar", [own, sample(1, 0)])
    examples = open_examples(f"wds:{path}")
    path.write_bytes(b"")
    assert examples.inputs.turned(examples.positions) == 1


def test_a_part_is_sent_without_the_others(folder):
    examples = open_examples(f"wds:{folder}", "train")
    where = np.array([7, 3, 30])
    own = pickle.loads(pickle.dumps(examples.at(where)))
    assert len(own.inputs) == 3
    assert len(pickle.dumps(examples.at(where))) < 2000
    assert own.digest == examples.at(where).digest
    geometry = Geometry(8, 3)
    assert own.read(np.arange(3), geometry).equal(examples.read(where, geometry))
    places = [examples.inputs.place(i) for i in examples.positions[where]]
    assert [own.inputs.place(i) for i in range(3)] == places


def test_content_that_changes_is_not_shown(folder):
    examples = open_examples(f"wds:{folder}")
    content = bytearray((folder / "val-000.tar").read_bytes())
    content[int(examples.inputs.rows["offset"][2]) + 40] ^= 1
    (folder / "val-000.tar").write_bytes(content)
    with pytest.raises(MeasureError, match=r"val-000\.tar: k0052\.png: must stay as it is"):
        examples.read(np.arange(6), Geometry(8, 3))
    (folder / "val-000.tar").write_bytes(content[:2000])
    with pytest.raises(Exception, match=r"val-000\.tar: must be whole") as caught:
        examples.read(np.arange(6), Geometry(8, 3))
    assert caught.value.exit_code in (2, 4)


def test_keys_that_stand_twice(tmp_path):
    for i in range(2):
        written(tmp_path / f"{i}.tar", [sample(0, 0), sample(i + 1, 0)])
    said = refusal(f"wds:{tmp_path}")
    assert "a key must stand there once" in said
    assert "0.tar: k0000.png" in said
    assert "1.tar: k0000.png" in said


REFUSED = {
    "no labels at all": ([("a.png", encoded())], "got 1 images without"),
    "no images": ([("a.txt", b"x")], "got 0 images without"),
    "two images of a key": ([("a.png", encoded()), ("a.jpg", b"x"), ("a.cls", b"0")], "one image"),
    "two labels of a key": (
        [("a.png", encoded()), ("a.CLS", b"0"), ("a.cls", b"1")],
        "one .cls; got a.CLS, a.cls",
    ),
    "an empty label": ([("a.png", encoded()), ("a.cls", b" \n")], "number or the name of a class"),
    "a label of bytes": ([("a.png", encoded()), ("a.cls", b"\xff")], "number or the name"),
    "two labels": ([("a.png", encoded()), ("a.json", b'{"label": [1, 2]}')], "number or the"),
    "no JSON": ([("a.png", encoded()), ("a.json", b"{")], "must be JSON"),
    "a high number": ([("a.png", encoded()), ("a.cls", b"100000000")], "labels must be names"),
    "a long label": ([("a.png", encoded()), ("a.cls", b"x" * 2000)], "number or the name"),
    "an image that is none": ([("a.png", b"x"), ("a.cls", b"0")], None),
}


@pytest.mark.parametrize("what", REFUSED)
def test_strange_members(tmp_path, what):
    members, said = REFUSED[what]
    name = f"wds:{tar(tmp_path / 'x.tar', members)}"
    if said is None:
        examples = open_examples(name)
        with pytest.raises(Exception, match=r"x\.tar: a\.png: must be an image"):
            examples.read(np.arange(1), Geometry(8, 3))
    else:
        assert said in refusal(name)


def test_strange_lists_of_classes(folder):
    for text, said in (
        ("cat\nant", "below 2, of the classes"),
        ("cat\ncat\nbee", "all different"),
    ):
        (folder / "classes.txt").write_text(text)
        assert said in refusal(f"wds:{folder}")
    (folder / "classes.txt").write_bytes(b"\xff")
    assert "UTF-8" in refusal(f"wds:{folder}")


@pytest.mark.slow
@pytest.mark.skipif("ACN_EVAL_DATA" not in os.environ, reason="ACN_EVAL_DATA")
def test_tiny_imagenet_in_shards_is_that_in_a_folder(tmp_path):
    root = Path(os.environ["ACN_EVAL_DATA"], "tiny-imagenet-50")
    if not root.is_dir():
        pytest.skip("ACN_EVAL_DATA has no tiny-imagenet-50")
    folder = open_examples(f"folder:{root}")
    places = [folder.inputs.place(i) for i in folder.positions]
    samples = [
        {"__key__": Path(p).stem, "jpeg": Path(p).read_bytes(), "cls": folder.classes[k].encode()}
        for p, k in zip(places, folder.labels, strict=True)
    ]
    for i in range(0, len(samples), 700):
        written(tmp_path / f"val-{i:05}.tar", samples[i : i + 700])
    shards = open_examples(f"wds:{tmp_path}")
    assert shards.classes == folder.classes
    pixels = []
    for examples in (folder, shards):
        ordered = examples.at(np.argsort(examples.hashes, kind="stable"))
        shown = ordered.read(np.arange(len(ordered)), Geometry(64, 3)).numpy()
        pixels.append((ordered.hashes.tolist(), ordered.labels.tolist(), shown.tobytes()))
    assert pixels[0] == pixels[1]
