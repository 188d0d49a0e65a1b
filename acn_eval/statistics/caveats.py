"""What a reader must know before believing a comparison, in words."""

from acn_eval.statistics.analysis import Endpoint
from acn_eval.statistics.comparison import Row
from acn_eval.statistics.quantity import SHARE, Quantity

__all__ = ["caveats"]

_FEW_IMAGES = 30
_ONE_POINT = 0.01


def caveats(
    files: tuple[int, int], data: str, primary: Row, words: Endpoint, quantity: Quantity = SHARE
) -> list[str]:
    """Return one sentence per limit of what was measured."""
    found = [_about_files(files, words), _about_size(primary, quantity), _about_writers(data)]
    return [sentence for sentence in found if sentence]


def _about_files(files: tuple[int, int], words: Endpoint) -> str:
    if min(files) >= words.least:
        return ""
    what = "training seed" if words.replicate == "seed" else words.replicate
    if files == (1, 1):
        return f"two checkpoints say nothing about the architectures: one {what} each"
    return (
        f"{files[0]} and {files[1]} {what}s say nothing about the architectures: files of"
        f" a side are averaged and taken as given; {words.least} {words.replicate}s a side are"
        " needed"
    )


def _about_size(primary: Row, quantity: Quantity) -> str:
    if primary.n < _FEW_IMAGES:
        return f"{primary.n} images are too few: every limit is rough"
    if quantity.scored and primary.mde > _ONE_POINT:
        return (
            f"{primary.n} images cannot settle a question of 1 point: the smallest difference "
            f"seen four times in five is {100 * primary.mde:.1f} points"
        )
    return ""


def _about_writers(data: str) -> str:
    if not data.startswith("digits"):
        return ""
    return "the digits come from a few writers: nothing here is about new writers"
