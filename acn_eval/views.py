"""Tables of results for notebooks and papers: a frame, Markdown, LaTeX and CSV."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Tabular"]


class Tabular(ABC):
    """A table; all views have the same columns and order."""

    @abstractmethod
    def records(self) -> Sequence[dict[str, Any]]:
        """Return the rows as plain values by column; accuracies are fractions of 1."""

    def to_frame(self) -> "DataFrame":
        """Return the rows as a pandas data frame."""
        from pandas import DataFrame

        return DataFrame(list(self.records()))

    def to_csv(self) -> str:
        """Return the rows as CSV with a header, every digit kept."""
        return str(self.to_frame().to_csv(index=False))

    def to_latex(self) -> str:
        """Return a LaTeX table in booktabs' style, with four decimals."""
        return str(self.to_frame().to_latex(index=False, float_format="%.4f", escape=True))

    def to_markdown(self) -> str:
        """Return a Markdown table, with four decimals."""
        frame = self.to_frame()
        rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.to_numpy().tolist()]
        return "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in rows)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: one line, and the table."""
        return f"<p>{escape(repr(self))}</p>" + str(self.to_frame().to_html(index=False))


def _cell(value: Any) -> str:
    text = f"{value:.4f}" if isinstance(value, float) else str(value)
    return " ".join(text.replace("|", r"\|").split())
