"""The table at every width: no number is cut, rows align, and what is hidden is named."""

import io
import re

import pytest
from rich.console import Console

from acn_eval.terminal.tables import Column, show_table

COLUMNS = (
    Column("digits test, n = 352"),
    Column("ac_vit %", interval=9),
    Column("res_vit (5 seeds) %", interval=9),
    Column("difference"),
    Column("p (Holm)", rank=2),
    Column("MDE", rank=3),
    Column("notes", rank=8, text=True),
)
ROWS = (
    ("clean", "97.7 [96.1, 98.7]", "97.4 [95.8, 98.6]", "+0.3 [-2.1, +2.7]", "1.000", "1.9", ""),
    (
        "magnitude of 4 blocks 0.6, salt pepper 0.01",
        "7.7 [6.1, 8.7]",
        "100.0 [96.2, 100.0]",
        "-92.3 [-99.1, -85.5]",
        "<0.001",
        "11.9",
        "ceiling, undecidable",
    ),
)
NUMBER = re.compile(r"[-+<]?\d[\d.,]*\d|\d")


def printed(width, rows=ROWS, columns=COLUMNS):
    out = io.StringIO()
    show_table(Console(file=out, width=width, highlight=False), columns, rows)
    return out.getvalue()


def numbers(text):
    return set(NUMBER.findall(text))


@pytest.mark.parametrize("width", range(40, 201))
def test_every_number_is_one_of_the_unlimited_table(width):
    text = printed(width)
    assert numbers(text) <= numbers(printed(10_000))
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for row in ROWS:  # what is never hidden
        for cell in (row[3], row[1].partition(" ")[0], row[2].partition(" ")[0]):
            assert cell in text


@pytest.mark.parametrize("width", range(60, 201))
def test_rows_align(width):
    lines = printed(width).splitlines()
    ends = {line.index(row[3]) + len(row[3]) for row in ROWS for line in lines if row[3] in line}
    assert len(ends) == 1


@pytest.mark.parametrize(
    ("width", "hidden"),
    [
        (10_000, ""),
        (100, "intervals of ac_vit, intervals of res_vit (5 seeds)"),
        (70, "intervals of ac_vit, intervals of res_vit (5 seeds), notes, MDE"),
    ],
)
def test_what_is_hidden_is_named(width, hidden):
    text = " ".join(printed(width).split())
    note = f"Hidden at this width: {hidden}. --wide shows everything."
    assert text.endswith(note) if hidden else "Hidden" not in text


def test_a_unit_is_no_part_of_what_is_hidden():
    columns = (Column("condition"), Column("ac_vit nats", interval=1))
    text = printed(20, [("clean", "0.220 [0.182, 0.258]")], columns)
    assert "intervals of ac_vit." in " ".join(text.split())


def test_what_does_not_fit_is_stacked_and_whole():
    text = printed(40)
    assert "Hidden" not in text
    assert numbers(text) >= numbers(" ".join(" ".join(row) for row in ROWS))
    assert text.count("p (Holm): ") == len(ROWS)


def test_columns_without_content_are_left_out():
    assert "notes" not in printed(200, rows=ROWS[:1])


def test_names_of_two_cells_per_character_align():
    text = printed(100, [("名前", "1.0 [0.5, 1.5]"), ("ab", "10.0 [9.5, 10.5]")], COLUMNS[:2])
    wide, narrow = text.splitlines()[1:]
    assert len(wide) + len("名前") == len(narrow)
