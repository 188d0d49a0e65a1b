"""Terms that outputs use: in a few words once, and as paragraphs where one asks."""

import io

import pytest
from rich.console import Console

from acn_eval.terminal.glossary import Term, explain, legend, terms


@pytest.fixture
def out():
    return Console(file=io.StringIO(), width=200, record=True)


def text(out):
    return out.file.getvalue()


@pytest.mark.parametrize("term", terms(), ids=lambda term: term.name)
def test_every_term_has_a_meaning_and_at_most_ten_words_in_short(term):
    assert term.meaning.endswith((".", ")."))
    assert len(term.brief.split()) <= 10
    assert "](" not in term.meaning


def test_terms_of_the_page_are_distinct():
    names = [name for term in terms() for name in term.name.split(", ")]
    assert len(set(names)) == len(names) > 40


@pytest.mark.parametrize(
    ("said", "used"),
    [("MDE 3.0", "MDE"), ("two Probes", ""), ("mde", ""), ("an MDE-like", "")],
)
def test_a_term_stands_as_a_word_of_its_own(said, used):
    term = Term("minimum detectable effect, MDE", "", "")
    assert term.stands_in(said) == used


def test_a_legend_explains_what_was_used_and_only_once(out):
    out.print("p (Holm)   MDE")
    legend(out)
    legend(out)
    assert text(out).count("MDE: smallest difference that is reliably detectable") == 1
    assert text(out).count("p (Holm): ") == 1
    assert "kNN" not in text(out)


def test_paragraphs_are_those_of_the_terms_that_were_used(out):
    out.print("MDE 3.0")
    explain(out)
    assert "minimum detectable effect, MDE: The true difference that" in text(out)
    assert "truncation depth" not in text(out)


def test_an_output_without_terms_gets_no_paragraphs(out):
    out.print("nothing here")
    before = text(out)
    explain(out)
    assert text(out) == before
