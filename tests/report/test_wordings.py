"""Sentences of a page: what changed is marked, nothing is lost, and nothing of them acts."""

from dataclasses import replace

import pytest
import torch

from acn_eval.foreign_text import plain
from acn_eval.report.page import Page, Section, Span
from acn_eval.report.render import html
from acn_eval.report.wordings import wording
from acn_eval.texts import SentenceBatch
from acn_eval.tokens import EmbeddingNoise
from tests.report.pages import HOSTILE, Reader, gallery_of


def lines(shown, clean):
    """Spans of a line each, as (text, mark)."""
    drawn = wording(SentenceBatch((shown,)), SentenceBatch((clean,)))
    return [[(span.text, span.mark) for span in line] for line in drawn.lines]


def marks(shown, clean):
    """The spans of one sentence."""
    (line,) = lines((shown,), (clean,))
    return line


def shown_in(line, *, but):
    return "".join(text for text, mark in line if mark != but)


@pytest.mark.parametrize(
    ("shown", "clean", "expected"),
    [
        ("a good film", "a good film", [("a good film", "")]),
        ("a goof film", "a good film", [("a ", ""), ("goof", "new"), (" film", "")]),
        ("a film", "a good film", [("a ", ""), ("good ", "gone"), ("film", "")]),
        ("a good ", "a good film", [("a good ", ""), ("film", "gone")]),
        ("[MASK] good film", "a good film", [("[MASK]", "new"), (" good film", "")]),
        ("so a film", "a film", [("so ", "new"), ("a film", "")]),
        ("", "gone", [("gone", "gone")]),
        ("", "", []),
    ],
)
def test_what_differs_is_marked(shown, clean, expected):
    assert marks(shown, clean) == expected


def test_nothing_is_lost(text_pairs):
    """What is not gone is the sentence that was shown; what is not new is in the clean one."""
    for shown, clean in text_pairs:
        line = marks(shown, clean)
        assert shown_in(line, but="gone") == shown
        stays = [text for text, mark in line if mark != "new"]
        at = 0
        for text in stays:
            at = clean.index(text, at) + len(text)


@pytest.fixture
def text_pairs():
    words = [f"w{k * k % 97}" for k in range(30)]
    cuts = [[w for k, w in enumerate(words) if k % n] for n in (2, 3, 7)]
    turned = [words[::-1], [w[::-1] for w in words], words]
    return [(" ".join(a), " ".join(words)) for a in cuts + turned]


def test_a_pair_is_two_lines():
    found = lines(("a question", "an answr"), ("a question", "an answer"))
    assert found == [[("a question", "")], [("an ", ""), ("answr", "new")]]


def test_noise_on_embeddings_is_said_instead_of_the_same_words():
    noise = EmbeddingNoise(torch.zeros(1, 3), torch.add)
    clean = SentenceBatch((("a good film", "x"),))
    ((span,),) = wording(replace(clean, noise=noise), clean).lines
    assert span == Span("the same words, with noise on their embeddings", "note")


def test_of_a_long_sentence_the_beginning_is_shown_and_its_length():
    long = "word " * 1600
    assert marks(long, long) == [(long[:240], ""), ("… (8,000 characters)", "note")]
    assert marks("x" * 8000, "x" * 8000)[1] == ("… (8,000 characters)", "note")
    assert marks(long[:240], long[:240]) == [(long[:240], "")]


def test_what_is_not_shown_is_not_called_gone():
    """Single letters are the most words that so many characters can have."""
    clean = "a b c d e f g h i j " * 400
    shown = clean.replace("a", "x", 1)
    assert marks(shown, clean) == [
        ("x", "new"),
        (clean[1:240], ""),
        (f"… ({len(shown):,} characters)", "note"),
    ]


def page_of(text):
    return html(Page("title", (Section("examples", "Examples", (gallery_of([text]),)),)))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(text):
    page = page_of(text)
    page.encode()
    assert not [c for c in page if not c.isprintable() and c != "\n"]
    read = Reader(page)
    assert read.tags == Reader(page_of("harmless")).tags
    cell, _ = read.tables["?"][1][1]
    assert cell == " ".join(f"{plain(text)} second ✓ net: positive".split())
