"""What a reader must know before believing a comparison, in words."""

from typing import TYPE_CHECKING

from acn_eval.statistics.comparison import Row

if TYPE_CHECKING:
    from acn_eval.statistics.analysis import Endpoint

__all__ = ["caveats"]

_FEW_EXAMPLES = 30


def caveats(files: tuple[int, int], data: str, primary: Row, words: "Endpoint") -> list[str]:
    """Return one sentence per limit of what was measured."""
    found = [_about_files(files, words), _about_size(primary), _about_writers(data)]
    return [sentence for sentence in found if sentence]


def _about_files(files: tuple[int, int], words: "Endpoint") -> str:
    if min(files) >= words.least:
        return ""
    what = "training seed" if words.replicate == "seed" else words.replicate
    if files == (1, 1):
        return f"one {what} per side says nothing about the architectures, only about these files"
    return (
        f"{files[0]} and {files[1]} {what}s say nothing about the architectures: the files of a"
        f" side are averaged and taken as given; {words.least} {what}s per side are needed"
    )


def _about_size(primary: Row) -> str:
    if primary.n < _FEW_EXAMPLES:
        return f"{primary.n} examples are too few: every limit is rough"
    return ""


def _about_writers(data: str) -> str:
    if not data.startswith("digits"):
        return ""
    return "the digits come from few writers; results may not generalize to new writers"
