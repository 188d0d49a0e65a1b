"""Options that take all words up to the next one, as a shell expands a pattern."""

import click
import pytest

from acn_eval.terminal.titled import Titled, titled


@click.command(cls=Titled)
@titled("Networks")("--ckpt", "-c", multiple=True, listed=True)
@titled("Networks")("--baseline", multiple=True, listed=True)
@click.option("--seed", type=int)
@click.option("--flag", is_flag=True)
def command(ckpt, baseline, seed, flag):
    """Show what was understood."""
    click.echo(repr((ckpt, baseline, seed, flag)))


def parsed(line, capsys):
    command.main(line.split(), standalone_mode=False)
    return capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--ckpt a b c --baseline d", (("a", "b", "c"), ("d",), None, False)),
        ("--ckpt a --ckpt b", (("a", "b"), (), None, False)),
        ("--ckpt=a b --flag --ckpt c", (("a", "b", "c"), (), None, True)),
        ("-c a b --seed -3", (("a", "b"), (), -3, False)),
        ("--seed 3 --baseline x,y z", ((), ("x,y", "z"), 3, False)),
        ("", ((), (), None, False)),
    ],
)
def test_words_belong_to_the_option_before_them(line, expected, capsys):
    assert parsed(line, capsys) == repr(expected)


@pytest.mark.parametrize("line", ["a --ckpt b", "--seed 3 a", "--ckpt a --flag b"])
def test_words_of_no_option_are_refused(line, capsys):
    with pytest.raises(click.UsageError, match="unexpected extra argument"):
        parsed(line, capsys)


def test_help_has_a_section_for_each_title(capsys):
    text = command.get_help(click.Context(command))
    assert text.index("Options:") < text.index("Networks:") < text.index("--baseline")
