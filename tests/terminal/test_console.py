"""What is printed is rendered: no secrets, no control characters, no markup, at any width."""

import json

import click
import pytest
from rich.table import Table

from acn_eval.terminal.console import WIDE, console, say, show_warnings, write_json


def test_texts_and_cells_are_shown_as_they_are_without_secrets(capsys):
    hostile = "[red]x[/red] :smile: \x1b[31m http://me:secret@host"
    table = Table(box=None)
    table.add_row(hostile)
    for show in (say, console().print, lambda _: console().print(table)):
        show(hostile)
        out = capsys.readouterr().out.strip()
        assert out == r"[red]x[/red] :smile: \x1b[31m http://host"


@pytest.mark.parametrize(
    ("columns", "wide", "lines"), [("40", False, 3), ("40", True, 1), (None, False, 1)]
)
def test_lines_wrap_in_a_terminal_alone(capsys, monkeypatch, columns, wide, lines):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    with click.Context(click.Command("x")) as context:
        context.meta[WIDE] = wide
        console().print("word " * 20)
        assert console() is console()
    assert len(capsys.readouterr().out.splitlines()) == lines


def test_a_long_warning_is_indented_and_rendered(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    show_warnings(console(), ["word " * 6, "[red]\x1b"])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["  ! word word word", "    word word word", r"  ! [red]\x1b"]


def test_json_goes_to_stdout_or_a_file(capsys, tmp_path):
    document = {"a": 1, "path": tmp_path}
    write_json("-", document)
    write_json(str(tmp_path / "a.json"), document)
    texts = capsys.readouterr().out, (tmp_path / "a.json").read_text()
    assert [json.loads(text) for text in texts] == [{"a": 1, "path": str(tmp_path)}] * 2
