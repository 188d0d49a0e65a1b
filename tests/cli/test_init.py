"""What `acn-eval init` says about data, and that what it prints next can be typed."""

import shlex

import numpy as np
from PIL import Image

from acn_eval.cli.main import cli


def test_the_data_is_described_and_the_commands_are_there(folder, call):
    code, out, err = call("init", "digits", "--out", "own study", "--steps", "40")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("digits: 1,094 images to train on, 351 to validate, 352 to test;")
    assert lines[0].endswith("8 x 8 pixels, gray")
    assert lines[1].startswith("10 classes in train: 0 113, 1 104,")
    assert "40 steps of 64 images" in out
    typed = [shlex.split(line) for line in out.partition("Next:\n")[2].splitlines()]
    assert [words[:2] for words in typed] == [
        ["acn-eval", name] for name in ("train", "train", "robustness", "gate")
    ]
    for _, name, *rest in typed:
        command = cli.commands.get(name) or cli.get_command(None, name)
        command.make_context(name, rest)
        files = [word for word in rest if word.endswith(".yaml")]
        assert all((folder / file).is_file() for file in files)


def test_many_classes_and_sizes_are_summed_up_and_left_out_files_named(folder, call):
    for split in ("train", "test"):
        for c in range(13):
            (folder / "photos" / split / f"c{c:02}").mkdir(parents=True)
            image = Image.fromarray(np.full((8 + c, 9, 3), (c, 2 * c, 50), np.uint8))
            image.save(folder / "photos" / split / f"c{c:02}" / "a.png")
    (folder / "photos" / "train" / "c00" / "notes.txt").write_text("")
    code, out, _ = call("init", "folder:photos")
    assert code == 0
    assert "9 x 8 to 9 x 20 pixels, color" in out
    assert "c09 1, 3 more" in out
    assert "left out 1 files that are no images: 1 .txt" in out


def test_a_second_time_nothing_is_replaced(folder, call, refused):
    assert call("init", "digits")[0] == 0
    told = refused(2, "init", "digits")
    assert "ac_vit.yaml: must not be there" in told
    assert "Choose another --out." in told
