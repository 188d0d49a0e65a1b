"""Plain text is split by line, and cleaned of what WikiText does to it."""

import numpy as np
import pytest

from acn_eval.data import open_examples
from acn_eval.data.plain_text import joined
from acn_eval.errors import DataError

WIKI = """
 = Homarus gammarus =

 It is a <unk> lobster , 23 – 38 cm long and 0 @.@ 7 kg .
 = = Description = =
 A large @-@ clawed animal ; 1 @,@ 000 of them = many .
"""


def texts(examples):
    return [examples.inputs.texts[i][0] for i in examples.positions]


def test_headings_go_and_signs_are_joined(tmp_path):
    (tmp_path / "train.txt").write_text(WIKI)
    (tmp_path / "validation.txt").write_text("one line\n")
    assert texts(open_examples(f"text:{tmp_path}", "train")) == [
        "It is a [UNK] lobster , 23 – 38 cm long and 0.7 kg .",
        "A large-clawed animal ; 1,000 of them = many .",
    ]
    assert texts(open_examples(f"text:{tmp_path}", "validation")) == ["one line"]


def test_one_file_is_train_and_validation(tmp_path):
    lines = [f"line {i}" for i in range(400)]
    (tmp_path / "own.txt").write_text("\n".join(lines))
    train, validation = (
        open_examples("text:own.txt", split, tmp_path) for split in ("train", "validation")
    )
    assert sorted(texts(train) + texts(validation)) == sorted(lines)
    assert 15 < len(validation) < 80
    with pytest.raises(DataError, match="must have a file of test"):
        open_examples("text:own.txt", "test", tmp_path)


def test_an_example_of_test_is_no_example_of_train(tmp_path):
    (tmp_path / "train.txt").write_text("a\nb\nc\n")
    (tmp_path / "test.txt").write_text("b\n")
    (tmp_path / "validation.txt").write_text("d\n")
    assert texts(open_examples(f"text:{tmp_path}", "train")) == ["a", "c"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must hold text; got none"),
        (b" = Title = \n", "must hold text; got none"),
        (b"ok\n\xff\n", "line 2 must be UTF-8"),
        (b"x" * 9000, "line 1 must have at most 8192 characters; got 9000"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, message):
    (tmp_path / "train.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        open_examples(f"text:{tmp_path}", "train")


def test_a_place_without_text_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"must be a file, or a folder .* found neither"):
        open_examples(f"text:{tmp_path}", "train")


def test_sides_of_pairs_are_examples_of_their_own(tmp_path):
    (tmp_path / "train.tsv").write_text("sentence\tsentence2\tlabel\na b\tc\t0\nd\te\t1\n")
    (tmp_path / "validation.tsv").write_text("sentence\tsentence2\tlabel\nf\tg\t0\n")
    pairs = open_examples(f"tsv:{tmp_path}", "train")
    own = joined("both", [pairs, pairs])
    assert texts(own) == ["a b", "c", "d", "e"] * 2
    assert len(np.unique(own.ids)) == 8
    assert own.classes == ("text",)
