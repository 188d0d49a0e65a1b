"""``folder:PATH``: an ImageFolder of any pictures."""

import os
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS

from acn_eval.data import Geometry, open_examples
from acn_eval.errors import DataError, MeasureError
from tests.data.pictures import picture


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "set"
    for split, count in (("train", 30), ("val", 4)):
        for name in ("cat", "ant"):
            for i in range(count):
                picture(root / split / name / f"{i}.png")
    return root


def files_of(examples):
    return [Path(examples.inputs.place(i)) for i in examples.positions]


def refusal(path, split="test"):
    with pytest.raises(DataError) as caught:
        open_examples(f"folder:{path}", split)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_val_without_test_is_the_test_split(folder):
    name = f"folder:{folder}"
    train, validation, test = (open_examples(name, s) for s in ("train", "validation", "test"))
    assert len(test) == 8
    assert test.classes == ("ant", "cat")
    assert len(train) + len(validation) == 60
    assert not np.isin(train.ids, validation.ids).any()
    assert 0 < len(validation) < 20
    files = files_of(test)
    assert all(f.parent.parent.name == "val" for f in files)
    assert [f.parent.name for f in files] == [test.classes[label] for label in test.labels]


def test_with_test_val_is_validation(folder):
    for name in ("cat", "ant"):
        picture(folder / "test" / name / "t.png")
    sizes = {s: len(open_examples(f"folder:{folder}", s)) for s in ("train", "validation", "test")}
    assert sizes == {"train": 60, "validation": 8, "test": 2}


def test_a_folder_of_classes_is_a_test_set(folder):
    test = open_examples(f"folder:{folder / 'val'}")
    assert len(test) == 8
    assert "no train split" in refusal(folder / "val", "train")
    assert "no validation split" in refusal(folder / "val", "validation")


@pytest.mark.parametrize("called", ["val", "valid", "validation", "Val", "dev"])
def test_a_validation_set_has_many_names(tmp_path, called):
    for split in ("train", called):
        picture(tmp_path / split / "ant" / "x.png")
    assert len(open_examples(f"folder:{tmp_path}")) == 1
    picture(tmp_path / "test" / "ant" / "y.png")
    validation = open_examples(f"folder:{tmp_path}", "validation")
    assert files_of(validation) == [tmp_path / called / "ant" / "x.png"]


@pytest.mark.parametrize("names", [("train", "training"), ("val", "validation"), ("dev", "Val")])
def test_two_folders_of_one_split_are_refused(folder, names):
    for called in names:
        (folder / called).mkdir(exist_ok=True)
    said = refusal(folder)
    assert "must have one folder of " in said
    assert all(called in said for called in names)


def test_images_that_lie_flat_have_no_classes(tmp_path):
    """So lies ImageNet's validation set before a script sorts it into folders."""
    for i in range(3):
        picture(tmp_path / "val" / f"ILSVRC2012_val_{i}.JPEG")
    said = refusal(tmp_path)
    assert "in one sub-folder per class; found 3 images beside them, whose classes nobody" in said


def test_a_split_that_training_misses_is_named(tmp_path):
    picture(tmp_path / "one" / "ant" / "x.png")
    said = refusal(tmp_path / "one", "train")
    assert "has no train split; it is one folder of classes, which is a test set" in said
    picture(tmp_path / "two" / "val" / "ant" / "x.png")
    said = refusal(tmp_path / "two", "train")
    assert said.endswith("no train split; found validation. It needs train beside test.")


@pytest.fixture
def tiny_imagenet(tmp_path):
    """As it is published: labels of validation in a file, and of test nowhere."""
    root, lines = tmp_path / "tiny-imagenet-200", []
    for wnid in ("n02", "n01", "n03"):
        for i in range(4):
            picture(root / "train" / wnid / "images" / f"{wnid}_{i}.JPEG")
        (root / "train" / wnid / f"{wnid}_boxes.txt").touch()
    for i, wnid in enumerate(("n03", "n01", "n03", "n02", "n01")):
        picture(root / "val" / "images" / f"val_{i}.JPEG")
        picture(root / "test" / "images" / f"test_{i}.JPEG")
        lines.append(f"val_{i}.JPEG\t{wnid}\t0\t32\t44\t62\n")
    (root / "val" / "val_annotations.txt").write_text("".join(lines))
    return root


def test_tiny_imagenet_as_it_is_published(tiny_imagenet):
    train, test = (open_examples(f"folder:{tiny_imagenet}", s) for s in ("train", "test"))
    assert train.classes == test.classes == ("n01", "n02", "n03")
    named = [(f.name, test.classes[k]) for f, k in zip(files_of(test), test.labels, strict=True)]
    assert sorted(named) == [
        ("val_0.JPEG", "n03"),
        ("val_1.JPEG", "n01"),
        ("val_2.JPEG", "n03"),
        ("val_3.JPEG", "n02"),
        ("val_4.JPEG", "n01"),
    ]
    assert test.notes == ()
    assert "left out 3 files that are no images: 3 .txt" in train.notes[0]


def test_tiny_imagenet_sorted_into_folders_is_the_same_data_set(tiny_imagenet, tmp_path):
    published = open_examples(f"folder:{tiny_imagenet}")
    for name, file in zip(published.inputs.names, files_of(published), strict=True):
        target = tmp_path / "sorted" / "val" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    resorted = open_examples(f"folder:{tmp_path / 'sorted'}")
    assert resorted.fingerprint == published.fingerprint


def test_annotations_and_images_need_not_agree(tiny_imagenet):
    picture(tiny_imagenet / "val" / "images" / "val_9.JPEG")
    (tiny_imagenet / "val" / "images" / "val_0.JPEG").unlink()
    examples = open_examples(f"folder:{tiny_imagenet}")
    assert len(examples) == 4
    assert "images/val_9.JPEG (without a line in val_annotations.txt)" in examples.notes[0]


@pytest.mark.parametrize(
    "line",
    ["val_0.JPEG", "val_0.JPEG\t", "val_0.JPEG\t..", "val_0.JPEG\t../../n01", "a\t\udcff"],
)
def test_strange_annotations(tiny_imagenet, line):
    file = tiny_imagenet / "val" / "val_annotations.txt"
    file.write_bytes(line.encode(errors="surrogateescape"))
    assert "val_annotations.txt must" in refusal(tiny_imagenet)


def test_ids_survive_files_that_come_or_go(folder):
    def by_name():
        examples = open_examples(f"folder:{folder}")
        files = [file.relative_to(folder) for file in files_of(examples)]
        return dict(zip(map(str, files), examples.ids.tolist(), strict=True))

    before = by_name()
    (folder / "val" / "ant" / "2.png").unlink()
    picture(folder / "val" / "cat" / "0a.png")
    after = by_name()
    common = before.keys() & after.keys()
    assert len(common) == 7
    assert all(before[key] == after[key] for key in common)
    assert len(set(after.values())) == len(after)


def test_the_fingerprint_covers_the_files(folder):
    before = open_examples(f"folder:{folder}").fingerprint
    assert open_examples(f"folder:{folder}").fingerprint == before
    picture(folder / "val" / "cat" / "0.png")
    assert open_examples(f"folder:{folder}").fingerprint != before


def test_deeper_files_belong_to_their_class_and_strays_to_none(tmp_path):
    picture(tmp_path / "ant" / "one" / "two" / "x.JPG")
    picture(tmp_path / "bee" / "y.webp")
    picture(tmp_path / "stray.png")
    picture(tmp_path / ".thumbnails" / "z.png")
    picture(tmp_path / "bee" / ".hidden.png")
    (tmp_path / "bee" / "notes.txt").write_text("no picture")
    (tmp_path / "bee" / "folder.png").mkdir()
    examples = open_examples(f"folder:{tmp_path}")
    assert examples.classes == ("ant", "bee")
    assert examples.labels.tolist() == [0, 1]


def test_folders_without_pictures(tmp_path):
    assert "there is none" in refusal(tmp_path / "none")
    (tmp_path / "file").touch()
    assert "must be a folder" in refusal(tmp_path / "file")
    assert "found none" in refusal(tmp_path)
    (tmp_path / "ant").mkdir()
    assert "found none" in refusal(tmp_path)
    (tmp_path / "train").mkdir()
    assert "has no test split; found train. It needs test or validation." in refusal(tmp_path)


def test_every_suffix_of_torchvision_is_read(tmp_path):
    suffixes = {*IMG_EXTENSIONS, ".gif", ".jfif"}
    for suffix in sorted(suffixes):
        picture(tmp_path / "ant" / f"x{suffix}", "L" if suffix == ".pgm" else "RGB")
        picture(tmp_path / "ant" / f"y{suffix.upper()}", "L" if suffix == ".pgm" else "RGB")
    examples = open_examples(f"folder:{tmp_path}")
    assert len(examples) == 2 * len(suffixes)
    assert examples.notes == ()
    theirs = [Path(file) for file, _ in ImageFolder(tmp_path).samples]
    ours = [f for f in files_of(examples) if f.suffix.lower() in IMG_EXTENSIONS]
    assert sorted(theirs) == ours
    read = examples.read(np.arange(len(examples)), Geometry(7, 3)).float()
    assert all(image.std() > 10 for image in read)


def test_what_is_left_out_is_said(tmp_path):
    for i in range(3):
        picture(tmp_path / "ant" / f"{i}.png")
        (tmp_path / "ant" / f"{i}.txt").touch()
    (tmp_path / "ant" / "x.avif").touch()
    (tmp_path / "ant" / ".DS_Store").touch()
    (tmp_path / "ant" / "README").touch()
    (tmp_path / "ant" / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "ant" / "folder.png").mkdir()
    (tmp_path / "ant" / "loop").symlink_to(tmp_path / "ant")
    os.mkfifo(tmp_path / "ant" / "pipe.jpg")
    picture(tmp_path / "stray.png")
    examples = open_examples(f"folder:{tmp_path}")
    assert len(examples) == 3
    kinds, named = examples.notes
    assert "left out 6 files that are no images: 3 .txt" in kinds
    assert all(kind in kinds for kind in ("1 .avif", "1 hidden", "1 without suffix"))
    assert "left out 5 that look like images: ant/folder.png (a folder)" in named
    assert "ant/gone.png (a dangling link)" in named
    assert "ant/pipe.jpg (a pipe or device)" in named
    assert "ant/loop (a link to a folder that is read already)" in named
    assert "stray.png (beside the folders of the classes)" in named


def test_links_to_folders_are_followed_as_torchvision_does(tmp_path):
    picture(tmp_path / "elsewhere" / "deep" / "x.png")
    (tmp_path / "set" / "ant").mkdir(parents=True)
    (tmp_path / "set" / "ant" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "bee").symlink_to(tmp_path / "elsewhere")
    examples = open_examples(f"folder:{tmp_path / 'set'}")
    theirs = ImageFolder(tmp_path / "set")
    assert [Path(file) for file, _ in theirs.samples] == files_of(examples)
    assert [label for _, label in theirs.samples] == examples.labels.tolist()


def test_a_picture_that_changes_after_it_was_hashed_is_not_shown(folder):
    examples = open_examples(f"folder:{folder}")
    assert len(examples.hashes) == 8
    picture(folder / "val" / "cat" / "2.png")
    with pytest.raises(MeasureError, match=r"2\.png: must stay as it is while it is read"):
        examples.read(np.arange(8), Geometry(8, 3))


def test_a_picture_that_changes_after_it_was_shown_keeps_its_hash(folder):
    """The fingerprint is that of the pixels that were read, each file read as one whole."""
    before = open_examples(f"folder:{folder}").fingerprint
    examples = open_examples(f"folder:{folder}")
    examples.read(np.arange(8), Geometry(8, 3))
    picture(folder / "val" / "cat" / "2.png")
    assert examples.at(np.arange(8)).fingerprint == examples.fingerprint == before
    with pytest.raises(MeasureError):
        examples.read(np.arange(8), Geometry(8, 3))
    assert open_examples(f"folder:{folder}").fingerprint != before


def test_names_that_are_no_utf8(tmp_path):
    picture(tmp_path / "ant" / os.fsdecode(b"caf\xe9.png"))
    examples = open_examples(f"folder:{tmp_path}")
    assert len(examples.fingerprint) == 16
    picture(tmp_path / os.fsdecode(b"b\xe9e") / "x.png")
    assert r"names of classes must be UTF-8; got b'b\xe9e'" in refusal(tmp_path)
    assert "its name must be UTF-8" in refusal(tmp_path / os.fsdecode(b"\xff"))


def test_places_that_are_something_else(tmp_path):
    long = "x/" * 3000
    assert "there is none" in refusal(tmp_path / long)
    assert "there is none" in refusal(f"{tmp_path}/{'y' * 300}")
    assert "there is none" in refusal(f"{tmp_path}/a\0b")
    os.mkfifo(tmp_path / "pipe")
    assert "there is none" in refusal(tmp_path / "pipe")


def test_a_picture_that_would_start_another_program_is_none(tmp_path):
    path = tmp_path / "ant" / "x.png"
    path.parent.mkdir()
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match="it is something else"):
        open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(4, 1))


@pytest.mark.skipif("ACN_EVAL_DATA" not in os.environ, reason="ACN_EVAL_DATA")
def test_tiny_imagenet():
    root = Path(os.environ["ACN_EVAL_DATA"], "tiny-imagenet-50")
    if not root.is_dir():
        pytest.skip("ACN_EVAL_DATA has no tiny-imagenet-50")
    train, test = (open_examples("folder:tiny-imagenet-50", s) for s in ("train", "test"))
    assert test.name == "folder:tiny-imagenet-50"
    assert len(test.classes) == 50
    assert test.classes == train.classes
    assert len(test) == len(list((root / "val").rglob("*.JPEG")))
    first = test.keyed(5).read(np.arange(5), Geometry(64, 3))
    assert first.shape == (5, 3, 64, 64)
    assert first.float().std() > 10
