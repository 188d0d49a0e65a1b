"""What a reader must know before believing a comparison, in words."""

from acn_eval.statistics.architectures import MIN_SEEDS
from acn_eval.statistics.comparison import Row

__all__ = ["cautions"]

_FEW_IMAGES = 30
_ONE_POINT = 0.01


def cautions(seeds: tuple[int, int], data: str, primary: Row) -> list[str]:
    """Return one sentence per limit of what was measured."""
    found = [_about_seeds(seeds), _about_size(primary), _about_writers(data)]
    return [sentence for sentence in found if sentence]


def _about_seeds(seeds: tuple[int, int]) -> str:
    if min(seeds) >= MIN_SEEDS:
        return ""
    if seeds == (1, 1):
        return "two checkpoints say nothing about the architectures: one training seed each"
    return (
        f"{seeds[0]} and {seeds[1]} training seeds say nothing about the architectures: files of"
        f" a side are averaged and taken as given; {MIN_SEEDS} seeds a side are needed"
    )


def _about_size(primary: Row) -> str:
    if primary.n < _FEW_IMAGES:
        return f"{primary.n} images are too few: every limit is rough"
    if primary.mde > _ONE_POINT:
        return (
            f"{primary.n} images cannot settle a question of 1 point: the smallest difference "
            f"seen four times in five is {100 * primary.mde:.1f} points"
        )
    return ""


def _about_writers(data: str) -> str:
    if not data.startswith("digits"):
        return ""
    return "the digits come from a few writers: nothing here is about new writers"
