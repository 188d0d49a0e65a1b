"""What a recipe's network learns from: vocabularies, several data, and what does not fit."""

import numpy as np
import pytest

from acn_eval.data import open_examples
from acn_eval.data.tokens import SPECIAL
from acn_eval.errors import ConfigError, DataError
from acn_eval.training.sources import open_split, prepare_for
from tests.tiny import recipe
from tests.training import texts


@pytest.fixture
def vocabulary(tmp_path):
    pieces = [*SPECIAL, *"abcdefghijklmnopqrstuvwxyz,", "the", "film", "unseen", "was"]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces))
    return {"file": "vocab.txt"}


def test_without_a_file_it_is_the_words_of_train():
    plan = texts.classes()
    own = prepare_for(plan, open_split(plan, "train", None)).vocabulary
    sentences = open_examples("synthetic-sentences", "train").inputs.texts
    words = {word for (text,) in sentences for word in text.split()}
    assert words <= set(own.pieces)
    assert {"a", "##a", "7", "##!"} <= set(own.pieces)
    assert len(own) == plan.arch.vocabulary


def test_words_of_other_data_are_those_of_its_train_split():
    words = {"trimmed": "synthetic-sentences"}
    whole, own = texts.classes(), texts.classes(vocabulary=words)
    few = open_split(own, "train", None).at(np.arange(3))
    wanted = prepare_for(whole, open_split(whole, "train", None)).vocabulary
    assert prepare_for(own, few).vocabulary == wanted
    with pytest.raises(ConfigError, match="vocabulary must be"):
        prepare_for(whole, few)


@pytest.mark.parametrize("wrong", [{}, {"trimmed": True}, {"trimmed": "a", "lowercase": False}])
def test_a_vocabulary_has_a_file_or_names_data(wrong):
    with pytest.raises(ValueError, match="file must be given, or trimmed must name data"):
        texts.classes(vocabulary=wrong)


@pytest.mark.parametrize(
    ("trimmed", "pieces"), [(True, 35), (False, 36), ("synthetic-sentences", 35)]
)
def test_a_file_below_the_data_root_is_trimmed_to_train(tmp_path, vocabulary, trimmed, pieces):
    arch = {"vocabulary": pieces}
    plan = texts.classes(vocabulary={**vocabulary, "trimmed": trimmed}, arch=arch)
    own = prepare_for(plan, open_split(plan, "train", None), tmp_path)
    assert ("unseen" in own.vocabulary.numbers) == (trimmed is False)
    assert own.longest == plan.arch.positions


def test_another_size_is_refused(tmp_path, vocabulary):
    plan = texts.classes(vocabulary=vocabulary)
    with pytest.raises(ConfigError, match="vocabulary must be 35 for this data; got 175"):
        prepare_for(plan, open_split(plan, "train", None), tmp_path)


def test_masked_tokens_are_learned_from_several_data(tmp_path):
    (tmp_path / "own.txt").write_text("".join(f"line {i} of text\n" for i in range(50)))
    plan = texts.masked(data="synthetic-sentences + text:own.txt")
    own = open_split(plan, "train", tmp_path)
    first = open_examples("synthetic-sentences", "train")
    second = open_examples("text:own.txt", "train", tmp_path)
    assert len(own) == len(first) + len(second)
    assert (own.ids[: len(first)] == first.ids).all()
    assert len(np.unique(own.ids)) == len(own)
    assert set(own.hashes) == {*first.hashes, *second.hashes}
    assert prepare_for(plan.model_copy(update={"arch": _sized(plan, own)}), own).spec.shape[0] == 1


def _sized(plan, examples):
    try:
        prepare_for(plan, examples)
    except ConfigError as exc:
        pieces = int(str(exc).split("must be ")[1].split()[0])
    return texts.masked(arch={"vocabulary": pieces}).arch


@pytest.mark.parametrize(
    "plan", [texts.classes(data="digits", arch={"classes": 10}), texts.masked(data="digits")]
)
def test_images_are_refused(plan):
    with pytest.raises(DataError, match="digits: must hold sentences"):
        prepare_for(plan, open_split(plan, "train", None))


def test_text_is_refused_by_a_network_that_reads_images():
    plan = recipe(data="synthetic-sentences", arch={"classes": 2})
    with pytest.raises(DataError, match="must hold images, which the network reads"):
        prepare_for(plan, open_split(plan, "train", None))


def test_a_study_takes_no_file_to_start_from():
    plan = texts.classes(start_from="a.pt")
    with pytest.raises(ConfigError, match="start_from must be left to `acn-eval train`"):
        prepare_for(plan, open_split(plan, "train", None))
