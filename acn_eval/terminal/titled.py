"""A command whose help has titles, and options that take several words."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import click

__all__ = ["Titled", "titled"]


class _TitledOption(click.Option):
    def __init__(self, *names: Any, title: str, listed: bool = False, **attributes: Any) -> None:
        super().__init__(*names, **{"show_envvar": True, **attributes})
        self.title, self.listed = title, listed


class Titled(click.Command):
    """A command whose help lists the shared options under titles, after its own.

    Options that are `listed` take all words up to the next option, as a shell expands patterns.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat listed options before each of their words."""
        return super().parse_args(ctx, [*self._repeated(args)])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each title."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if record and isinstance(option, click.Option):
                sections.setdefault(getattr(option, "title", "Options"), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)

    def _repeated(self, args: Sequence[str]) -> Iterator[str]:
        listed = {n for o in self.params if getattr(o, "listed", False) for n in o.opts}
        own, first = "", False
        for word in args:
            if word.startswith("-"):
                name, _, value = word.partition("=")
                own, first = (name if name in listed else ""), not value
            elif own and not first:
                yield own
            else:
                first = False
            yield word


def titled(title: str) -> Callable[..., Callable[[Any], Any]]:
    """Return `click.option` for options under a title."""
    return partial(click.option, cls=_TitledOption, title=title)
