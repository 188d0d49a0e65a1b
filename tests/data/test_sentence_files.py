"""Own sentences: files and folders of them, and one line about whatever is wrong."""

import json
import tracemalloc

import numpy as np
import pytest

from acn_eval.data import open_examples
from acn_eval.data.sentences import LONGEST, SentenceSpec
from acn_eval.errors import DataError

GOOD = 'sentence\tlabel\na "film\t1\n  ünï 猫 \t0\n'
PAIRS = "label\tsentence2\tsentence\textra\nno\tb\ta\tx\nyes\td\tc\ty\n"


@pytest.fixture
def file(tmp_path):
    """A function from the content and the name of a file to the name of the data."""

    def write(content, name="own.tsv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return f"{path.suffix[1:]}:{path}"

    return write


def texts_of(examples, per_example=1):
    return examples.read(np.arange(len(examples)), SentenceSpec(per_example)).texts


def lines(*objects):
    return "".join(json.dumps(o) + "\n" for o in objects)


def test_a_file_of_sentences_is_a_test_set(file):
    examples = open_examples(file(GOOD))
    assert texts_of(examples) == (('a "film',), ("ünï 猫",))
    assert examples.labels.tolist() == [1, 0]
    assert examples.classes == ("0", "1")
    assert not examples.named
    assert examples.ids.tolist() == [0, 1]
    assert examples.split == "test"
    with pytest.raises(
        DataError, match=r"must have a file of train, in a folder .*got test alone"
    ):
        open_examples(file(GOOD), "validation")


def test_a_second_column_makes_pairs_and_names_make_classes(file):
    examples = open_examples(file(PAIRS))
    assert texts_of(examples, 2) == (("a", "b"), ("c", "d"))
    assert examples.classes == ("no", "yes")
    assert examples.named


def test_objects_of_json(file):
    own = file(
        lines({"sentence": "a\tb\nc", "label": "x"}, {"label": "y", "sentence": "é"}), "o.jsonl"
    )
    assert texts_of(open_examples(own)) == (("a\tb\nc",), ("é",))
    own = file(lines({"sentence": "a", "sentence2": "b", "label": 2}), "o.jsonl")
    examples = open_examples(own)
    assert texts_of(examples, 2) == (("a", "b"),)
    assert examples.classes == ("0", "1", "2")


def test_scores_are_numbers(file):
    own = open_examples(file("sentence\tscore\na\t-1.5\nb\t2e3\nc\t 7 \n"))
    assert own.targets.dtype == np.float32
    assert own.answers.tolist() == [-1.5, 2000, 7]
    assert own.labels.tolist() == [0, 0, 0]
    assert (own.classes, own.metrics) == (("score",), ("pearson", "spearman"))
    json = file(lines({"sentence": "a", "score": 1}, {"sentence": "b", "score": 0.25}), "o.jsonl")
    assert open_examples(json).answers.tolist() == [1, 0.25]
    both = open_examples(file("sentence\tscore\tlabel\na\t0.5\tyes\nb\t0.5\tno\n"))
    assert (both.targets, both.classes) == (None, ("no", "yes"))


@pytest.mark.parametrize("value", ["nan", "inf", "1e31", "x", "", "1,5", "0x1", "None"])
def test_a_score_that_is_no_number_is_one_line_with_its_place(file, value):
    said = r"own\.tsv: line 3: score must be a number from -1e\+30 to 1e\+30; got '.*'$"
    with pytest.raises(DataError, match=said):
        open_examples(file(f"sentence\tscore\na\t1\nb\t{value}\n"))


@pytest.mark.parametrize("value", ["true", "null", "[1]", '"x"', "1e400", "-1e31"])
def test_a_score_of_json_is_a_number(file, value):
    with pytest.raises(DataError, match=r"line 1"):
        open_examples(file(f'{{"sentence": "a", "score": {value}}}\n', "o.jsonl"))


@pytest.mark.parametrize("value", ["-0.1", "5.1"])
def test_scores_of_a_task_lie_within_it(tmp_path, value):
    folder = tmp_path / "glue" / "STS-B"
    folder.mkdir(parents=True)
    (folder / "dev.tsv").write_text(f"sentence1\tsentence2\tscore\na\tb\t{value}\n")
    with pytest.raises(DataError, match=r"dev.tsv: line 2: score must be a number from 0 to 5"):
        open_examples("glue:stsb", "test", tmp_path)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_marks_blank_lines_and_endings_do_not_matter(file, ending):
    plain = open_examples(file(GOOD)).fingerprint
    other = file("\ufeff" + GOOD.replace("\n", f"{ending}{ending}").rstrip(), "other.tsv")
    assert open_examples(other).fingerprint == plain


def numbered(numbers):
    return "sentence\tlabel\n" + "".join(f"sentence {i}\t{i % 3}\n" for i in numbers)


def test_a_folder_has_a_file_per_split(file):
    file(numbered(range(300)), "own/train.tsv")
    name = file(numbered(range(290, 320)), "own/test.tsv").rpartition("/")[0]
    train, validation, test = (open_examples(name, s) for s in ("train", "validation", "test"))
    assert len(test) == 30
    assert sorted([*train.ids, *validation.ids]) == list(range(290))
    assert 15 < len(validation) < 50
    assert "left out 10 examples of train that test has, too" in validation.notes[0]
    assert train.split == "train"
    assert validation.split == "validation"
    file(numbered(range(280, 295)), "own/validation.tsv")
    train, validation = (open_examples(name, s) for s in ("train", "validation"))
    assert train.ids.tolist() == list(range(280))
    assert validation.ids.tolist() == list(range(10))
    assert len(train.notes) == 2


def test_what_is_added_leaves_the_others_in_their_split(file):
    name = file(numbered(range(200)), "own/train.tsv").rpartition("/")[0]
    few = {text for (text,) in texts_of(open_examples(name, "validation"))}
    file(numbered(range(399, -1, -1)), "own/train.tsv")
    many = {text for (text,) in texts_of(open_examples(name, "validation"))}
    assert few == {text for text in many if int(text.split()[1]) < 200}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("sentence\tlabel\n", "must hold examples; got none"),
        ("", "must hold examples; got none"),
        ("text\tlabel\na\t1\n", "line 2: columns must include sentence, label; got text, label"),
        ("sentence\tlabel\na\t1\nb\n", "line 3 must have 2 columns; got 1"),
        ("sentence\tlabel\na\t1\tb\n", "line 2 must have 2 columns; got 3"),
        (
            "sentence\tlabel\na\t1\n \t1\n",
            "line 3: sentence must have 1 to 8192 characters; got none",
        ),
        (f"sentence\tlabel\n{'x' * 10_000}\t1\n", "line 2: .*; got 10000 characters"),
        ("sentence\tlabel\na\t\n", "line 2: label must be the number or the name of a class"),
        (b"sentence\tlabel\n\xff\t1\n", "line 2 must be UTF-8; invalid start byte"),
        (b"\xff\xfes\0", "line 1 must be text; got a NUL"),
        ("sentence\tlabel\na\0b\t1\n", "line 2 must be text; got a NUL"),
        ("sentence\tlabel\n" + "x" * 300_000, "line 2 is too much"),
        ("sentence\tlabel\na\t999999\n", "at most 1000 classes; got 1000000"),
        ("sentence\tlabel\tlabel\na\t1\t0\n", "line 1 must name each column once; got label"),
        (f"sentence\tlabel\na\t{'x' * 101}\n", "label must be Unicode text of at most 100"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_one_line_says_what_is_wrong_and_where(file, content, said):
    with pytest.raises(DataError, match=said) as caught:
        open_examples(file(content))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{\n", "line 1 must be JSON"),
        ("[1]\n", "line 1 must be an object"),
        ("[" * 100_000 + "\n", "line 1 must be JSON; it is nested too deep"),
        (lines({"sentence": 3, "label": 1}), "line 1: sentence must be Unicode text; got 3"),
        (lines({"sentence": "\ud800", "label": 1}), "line 1: sentence must be Unicode text"),
        (lines({"sentence": "a", "label": 0.5}), "line 1: label must be the number .*; got 0.5"),
        (lines({"sentence": "a", "label": True}), "line 1: label must be .*; got True"),
        (lines({"sentence": "a", "label": -1}) * 2, None),
        (
            lines({"sentence": "a", "sentence2": "b", "label": 1}, {"sentence": "a", "label": 1}),
            "line 2: sentence2 must be Unicode text; got None",
        ),
        ('{"sentence": "a", "sentence": "b", "label": 1}', "line 1 must be JSON"),
        (
            lines({"sentence": "a", "label": 1}, {"sentence": "a", "sentence2": "b", "label": 1}),
            "line 2: must have no sentence2, as the lines before it",
        ),
        (lines({"sentence": "a", "label": "\ud800"}), "line 1: label must be Unicode text"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_one_line_about_json_too(file, content, said):
    name = file(content, "own.jsonl")
    if said is None:
        assert open_examples(name).classes == ("-1",)
        return
    with pytest.raises(DataError, match=said) as caught:
        open_examples(name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_what_is_not_there(tmp_path):
    with pytest.raises(
        DataError, match=r"must be a file, or a folder with train\.tsv and test\.tsv"
    ):
        open_examples(f"tsv:{tmp_path}/none")
    with pytest.raises(DataError, match="found neither"):
        open_examples(f"jsonl:{'x' * 5000}")


def test_a_large_label_is_refused_before_its_classes_are_counted(file):
    """Their names would take some 60 GB."""
    tracemalloc.start()
    with pytest.raises(DataError, match="at most 1000 classes; got 1000000000"):
        open_examples(file("sentence\tlabel\na\t999999999\n"))
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_columns_without_a_name_are_none(file):
    own = "sentence\tlabel\t\t\na\t1\tx\ty\n"
    assert texts_of(open_examples(file(own))) == (("a",),)


def test_too_many_examples(file, monkeypatch):
    monkeypatch.setattr("acn_eval.data.sentence_files._MOST", 5)
    open_examples(file(numbered(range(4))))
    with pytest.raises(DataError, match="line 6 is too much; a file must have at most 5 lines"):
        open_examples(file(numbered(range(5))))


def test_a_huge_file_is_refused_before_it_is_read(file):
    name = file(GOOD)
    with open(name.removeprefix("tsv:"), "ab") as stream:
        stream.truncate(2**40)
    with pytest.raises(DataError, match="must have at most 536870912 bytes; got 1099511627776"):
        open_examples(name)


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/stdin", "/proc/self/mem"])
def test_devices_are_no_files_of_sentences(place):
    with pytest.raises(DataError, match="must be"):
        open_examples(f"tsv:{place}")


def test_the_longest_sentence_is_taken(file):
    text = "é" * LONGEST
    assert texts_of(open_examples(file(f"sentence\tlabel\n{text}\t1\n"))) == ((text,),)
