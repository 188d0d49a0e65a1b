"""The card: what it says is what the checkpoint is, and a card that lies is refused."""

import json

import pytest
import torch

from acn_eval.checkpoints import Card, export, load
from acn_eval.data.tokens import PrepareTokens, Vocabulary
from acn_eval.texts import SentenceBatch
from tests.checkpoints.files import (
    ARCH,
    CLASSES,
    SEEN,
    TEXT_ARCH,
    TRAINING,
    WORDS,
    card,
    raw_pt,
    refusal,
    text_card,
    written,
    written_text,
)
from tests.models.networks import network


def with_card(path, **changes):
    fields = {**json.loads(card().model_dump_json()), **changes}
    return raw_pt(path, acn_eval_card=json.dumps(fields))


def test_a_checkpoint_says_what_its_card_says(tmp_path):
    path = written(tmp_path / "deep" / "net.v2.pt")
    checkpoint = load(str(path))
    assert checkpoint.id.name == "net"
    assert checkpoint.id.uri == str(path)
    assert checkpoint.id.arch == ARCH.model_dump(mode="json")
    assert checkpoint.classes == CLASSES
    assert checkpoint.data == "digits"
    assert checkpoint.pair == str(tmp_path / "deep" / "twin.pt")
    assert checkpoint.training_hashes.tolist() == SEEN.tolist()
    facts = {"size": 8, "channels": 1, "mean": [0.3], "std": [0.2], "crop_pct": 1.0}
    facts |= {"crop_mode": "center", "interpolation": "bilinear of torch"}
    assert checkpoint.prepare.facts() == facts
    assert checkpoint.id.preprocessing == checkpoint.prepare.facts()
    shown = checkpoint.prepare.normalize(torch.full((1, 1, 8, 8), 0.5))
    assert torch.allclose(shown, torch.tensor(1.0))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"extra": 1}, "extra"),
        ({"classes": ["one"]}, "classes"),
        ({"classes": ["a", "b", "c"]}, "classes must be 4"),
        ({"classes": ["a", "b", "c", "c"]}, "classes must be 4"),
        ({"mean": [0.1, 0.2, 0.3]}, "mean and std must be 1"),
        ({"std": [0.0]}, "std"),
        ({"std": ["wide"]}, "std"),
        ({"arch": {"kind": "vit", "depht": 3}}, "depht"),
        ({"arch": {"kind": "resnet"}}, "arch"),
        ({"arch": {**ARCH.model_dump(), "width": 10**9}}, "width"),
        ({"arch": {**ARCH.model_dump(), "depth": 10**9}}, "depth"),
        ({"arch": {**ARCH.model_dump(), "width": 1e30}}, "width"),
        ({"arch": {**ARCH.model_dump(), "width": 2**16}}, "weights must fit"),
        ({"arch": {**ARCH.model_dump(), "depth": 1000}}, "weights must fit"),
        ({"arch": {**ARCH.model_dump(), "image_size": 4096}}, "tokens"),
        ({"mean": [1e30]}, "mean"),
        ({"mean": [float("nan")]}, "mean"),
        ({"std": [1e-300]}, "std"),
        ({"data": "d" * 5000}, "data"),
        ({"training": {**TRAINING, "examples": 10**30}}, "examples"),
        ({"training": {**TRAINING, "seconds": -1}}, "seconds"),
        ({"training": {**TRAINING, "validation_accuracy": 1e30}}, "validation_accuracy"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_card_that_lies_is_refused_and_the_field_named(tmp_path, changes, said):
    assert said in refusal(with_card(tmp_path / "a.pt", **changes))


def test_a_card_that_is_no_json(tmp_path):
    assert "its card" in refusal(raw_pt(tmp_path / "a.pt", acn_eval_card="{"))


def test_an_old_card_is_still_read():
    """Fields that a file of today has: renaming one would orphan every checkpoint."""
    old = {
        "arch": {"kind": "vit", "connectivity": "acn", "depth": 2, "grain": None, "pool": "cls"},
        "data": "digits",
        "data_fingerprint": "0123456789abcdef",
        "classes": [str(i) for i in range(10)],
        "mean": [0.3],
        "std": [0.3],
        "pair": None,
        "training": None,
    }
    assert Card.model_validate(old).model_dump(mode="json").keys() >= old.keys()


MASKED = {"arch": {"head": "mlm", "classes": 9}, "classes": ()}


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("changes", [{}, MASKED], ids=["classifier", "mlm"])
def test_a_network_that_reads_sentences_says_how(tmp_path, suffix, changes):
    checkpoint = load(str(written_text(tmp_path / f"net{suffix}", **changes)))
    spec, vocabulary = checkpoint.prepare.spec, Vocabulary(WORDS["vocabulary"], lowercase=True)
    assert checkpoint.prepare == PrepareTokens(spec, vocabulary, 8)
    assert spec.per_example == 1
    assert checkpoint.id.preprocessing["vocabulary"] == vocabulary.digest
    assert checkpoint.classes == (WORDS["vocabulary"] if changes else ("-", "+"))
    assert checkpoint.native.card == text_card(**changes)
    given = checkpoint.prepare(SentenceBatch((("A goodly film",), ("bad " * 20,))))
    with torch.no_grad():
        assert checkpoint.model(given).shape == ((2, 8, 9) if changes else (2, 2))


def test_a_network_that_reads_sentences_can_be_cut(tmp_path):
    whole = load(str(written_text(tmp_path / "net.pt")))
    export(whole, 1, tmp_path / "cut.safetensors")
    cut = load(str(tmp_path / "cut.safetensors"))
    given = whole.prepare(SentenceBatch((("good film",), ("bad",))))
    with torch.no_grad():
        assert torch.equal(cut.model(given), whole.model.exits(given)[1])
    assert cut.id.preprocessing == whole.id.preprocessing


def test_cards_of_images_do_not_speak_of_words_nor_those_of_sentences_of_pixels():
    pixels, words = {"mean", "std", "crop_pct"}, {"words"}
    of_images, of_text = (set(json.loads(c.model_dump_json())) for c in (card(), text_card()))
    assert of_images & (pixels | words) == {"mean", "std"}
    assert of_text & (pixels | words) == words


def vocabulary(*pieces):
    return {**WORDS, "vocabulary": (*WORDS["vocabulary"][: 9 - len(pieces)], *pieces)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"words": None}, "words must have a vocabulary of 9 pieces"),
        ({"words": {**WORDS, "vocabulary": WORDS["vocabulary"][:8]}}, "vocabulary of 9 pieces"),
        ({"mean": [0.5], "std": [0.5]}, "in place of mean and std"),
        ({"words": {**WORDS, "longest": 11}}, "at most 10 tokens, the network's positions"),
        ({"words": {**WORDS, "longest": 2}}, "at least 3 tokens"),
        ({"words": {**WORDS, "sentences": 3}}, "sentences"),
        (
            {
                "arch": {**TEXT_ARCH.model_dump(), "segments": 1},
                "words": {**WORDS, "sentences": 2},
            },
            "sentences must be at most 1, the network's segments",
        ),
        ({"words": vocabulary("good", "good")}, "pieces must differ"),
        ({"words": vocabulary("a", "b", "c", "d", "e")}, "got no [MASK]"),
        ({"words": vocabulary("")}, "words.vocabulary.8: String should have at least 1"),
        ({"words": vocabulary("x" * 101)}, "words.vocabulary.8: String should have at most 100"),
        ({"arch": {**TEXT_ARCH.model_dump(), "head": "mlm"}}, "a class for every piece"),
        ({"arch": {**TEXT_ARCH.model_dump(), "head": "mlm", "classes": 9}}, "classes must be"),
        ({"arch": {**TEXT_ARCH.model_dump(), "vocabulary": 10**9}}, "vocabulary"),
        ({"arch": {**TEXT_ARCH.model_dump(), "positions": 8192}}, "weights must fit"),
        ({"arch": ARCH.model_dump()}, "classes must be 4"),
    ],
)
def test_a_card_that_lies_about_text_is_refused(tmp_path, changes, said):
    fields = {**json.loads(text_card().model_dump_json()), **changes}
    state = network(TEXT_ARCH.model_dump()).state_dict()
    path = raw_pt(tmp_path / "net.pt", acn_eval_card=json.dumps(fields), state=state)
    assert said in refusal(path)


def test_logits_of_a_masked_language_model_are_limited_before_memory(tmp_path):
    many, longest = 2**17, 2**12
    pieces = [*WORDS["vocabulary"], *map(str, range(many - 9))]
    arch = {**TEXT_ARCH.model_dump(), "vocabulary": many, "positions": longest}
    fields = {
        **json.loads(text_card().model_dump_json()),
        "arch": {**arch, "head": "mlm", "classes": many},
        "classes": [],
        "words": {**WORDS, "vocabulary": pieces, "longest": longest},
    }
    path = raw_pt(tmp_path / "net.pt", acn_eval_card=json.dumps(fields))
    assert "logits of one example must be at most 268,435,456" in refusal(path)


@pytest.mark.parametrize("pair", ["/tmp/a.pt", "hf:a/b", "models:/a/1", "module:a.py:f", "C:a.pt"])
def test_a_twin_is_a_file_relative_to_the_checkpoint(tmp_path, pair):
    assert "pair" in refusal(with_card(tmp_path / "a.pt", pair=pair))
    assert card(pair="../seeds/a b.pt").pair == "../seeds/a b.pt"
