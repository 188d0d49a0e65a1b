"""``folder:PATH``: an ImageFolder of any pictures."""

import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from acn_eval.data import Geometry, open_examples
from acn_eval.errors import DataError

RNG = np.random.default_rng(0)


def picture(path, mode="RGB", size=(9, 7)):
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(colour)
    if mode == "RGBA":
        image.putalpha(100)
    elif mode == "P+":  # a palette with transparency in bytes
        image = image.quantize(16)
        image.save(path, transparency=bytes([0, 128, 255]))
        return path
    elif mode != "RGB":
        image = image.convert(mode)
    image.save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "set"
    for split, count in (("train", 30), ("val", 4)):
        for name in ("cat", "ant"):
            for i in range(count):
                picture(root / split / name / f"{i}.png")
    return root


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
    files = [test.pictures.files[i] for i in test.positions]
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


def test_pictures_of_any_mode_and_size_are_read_as_pillow_reads_them(tmp_path):
    modes = {"RGB": "a.png", "L": "b.png", "RGBA": "c.png", "P": "d.png", "P+": "e.png"}
    modes |= {"1": "f.bmp", "CMYK": "g.jpg", "LA": "h.png"}
    for i, (mode, file) in enumerate(modes.items()):
        picture(tmp_path / "any" / file, mode, size=(8 + i, 20 - i))
    examples = open_examples(f"folder:{tmp_path}")
    for geometry in (Geometry(8, 3), Geometry(16, 1)):
        read = examples.read(np.arange(len(modes)), geometry)
        for i, file in enumerate(modes.values()):
            with Image.open(tmp_path / "any" / file) as image:
                wanted = geometry(np.array(image.convert("RGBA").convert("RGB")))
            if file != "g.jpg":  # CMYK has no alpha to go over
                assert np.array_equal(read[i], wanted), file
    assert examples.pictures.shape() == (3, 20, 8)


def test_grey_stays_grey(tmp_path):
    path = picture(tmp_path / "a" / "x.png", "L", size=(8, 8))
    read = open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(8, 1))
    with Image.open(path) as image:
        assert np.array_equal(read[0, 0], np.array(image))


def test_ids_survive_files_that_come_or_go(folder):
    def by_name():
        examples = open_examples(f"folder:{folder}")
        files = [examples.pictures.files[i].relative_to(folder) for i in examples.positions]
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
    assert "no test split; found ant, train" in refusal(tmp_path)


def test_a_broken_picture_is_named(tmp_path):
    path = picture(tmp_path / "ant" / "x.png")
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=r"x\.png: must be a picture"):
        open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(4, 1))


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "webp", "ppm"])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_damage_is_one_line(tmp_path, suffix):
    path = picture(tmp_path / "ant" / f"x.{suffix}")
    examples = open_examples(f"folder:{tmp_path}")
    content, shuffle, refused = path.read_bytes(), random.Random(1), 0
    for i in range(120):
        damaged = bytearray(content)
        if i % 3:
            damaged[shuffle.randrange(min(80, len(damaged)))] = shuffle.randrange(256)
        else:
            del damaged[shuffle.randrange(len(damaged) // 2) :]
        path.write_bytes(damaged)
        try:
            examples.read(np.arange(1), Geometry(4, 1))
        except DataError:
            refused += 1
    assert refused > 20


def test_a_picture_that_claims_to_be_huge_is_refused(tmp_path):
    path = picture(tmp_path / "ant" / "x.bmp")
    content = bytearray(path.read_bytes())
    content[18:26] = (60_000).to_bytes(4, "little") * 2
    path.write_bytes(content)
    with pytest.raises(DataError, match="decompression bomb"):
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
