"""A pair of recipes that fits the data of a user: sizes by rule, each with its reason."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import yaml

from acn_eval.data.sizes import Sizes
from acn_eval.foreign_text import plain

__all__ = ["Fitted"]

_LARGEST_SIDE = 64
_GRID = 8  # patches a side, where the images have them
_NETWORKS = ((5_000, 64, 8), (50_000, 128, 8), (math.inf, 192, 12))
_EPOCHS = 10, 200
_BATCH = 16, 128
_NOTE = 24  # column of a comment


class _Field(NamedTuple):
    name: str
    value: object = ""
    why: str = ""


@dataclass(frozen=True)
class Fitted:
    """What both recipes of a pair share.

    Attributes:
        data: its name, as typed.
        n: images to train on.
        classes: their number.
        sizes: of the images.
        given_steps: of the optimizer; None takes as many as fit `n`.
    """

    data: str
    n: int
    classes: int
    sizes: Sizes
    given_steps: int | None = None

    @property
    def patch(self) -> int:
        """Side of a patch in pixels."""
        return max(round(min(self.sizes.short, _LARGEST_SIDE) / _GRID), 2)

    @property
    def side(self) -> int:
        """Side of the images that the network reads, in pixels: whole patches."""
        return max(min(self.sizes.short, _LARGEST_SIDE) // self.patch, 2) * self.patch

    @property
    def width(self) -> int:
        """Of the residual stream."""
        return self._network[1]

    @property
    def depth(self) -> int:
        """Number of blocks."""
        return self._network[2]

    @property
    def batch(self) -> int:
        """Images of a step."""
        low, high = _BATCH
        return min(max(1 << int(math.log2(max(self.n / 10, 1))), low), high)

    @property
    def steps(self) -> int:
        """Of the optimizer."""
        return self.given_steps or math.ceil(self._epochs * self.n / self.batch)

    @property
    def _network(self) -> tuple[float, int, int]:
        return next(row for row in _NETWORKS if self.n < row[0])

    @property
    def _epochs(self) -> int:
        few, many = _EPOCHS
        return round(min(max(200 * math.sqrt(1000 / max(self.n, 1)), few), many))

    def recipe(self, connectivity: Literal["acn", "residual"], pair: str) -> str:
        """Return the YAML of one of the two, which names the checkpoint of its twin."""
        fields = (*self._arch(connectivity), *self._training(), _Field("pair", pair, "its twin"))
        return self._head(connectivity) + "".join(map(_line, fields))

    def _head(self, connectivity: str) -> str:
        kind = {"acn": "auto-compressing connections (ACN)", "residual": "residual connections"}
        return (
            f"# A vision transformer with {kind[connectivity]}, for {plain(self.data, 60)}.\n"
            f"# Fitted to {self.n:,} images of {self.classes:,} classes, whose short side is "
            f"{self.sizes.short} pixels\n# (median). Change both twins alike: they are compared "
            "at equal budgets.\n"
        )

    def _arch(self, connectivity: str) -> Iterable[_Field]:
        across, hidden = self.side // self.patch, 2 * self.width
        yield _Field("arch")
        yield _Field("  kind", "vit")
        yield _Field("  connectivity", connectivity)
        if connectivity == "acn":
            yield _Field(
                "  skips", "attention", "without, all tokens become alike: docs/networks.md"
            )
        side = (
            f"the short side of the images, at most {_LARGEST_SIDE}: the cost grows by its square"
        )
        yield _Field("  image_size", self.side, side)
        yield _Field("  patch", self.patch, f"{across} x {across} tokens")
        yield _Field("  channels", 1 if self.sizes.gray else 3, "1 for gray, 3 for color")
        yield _Field("  classes", self.classes)
        (few, small, _), (many, middle, shallow), (_, large, deep) = _NETWORKS
        depth = f"{shallow} blocks below {many:,} images, else {deep}"
        yield _Field("  depth", self.depth, depth)
        width = f"{small} below {few:,} images, {middle} below {many:,}, else {large}"
        yield _Field("  width", self.width, width)
        yield _Field("  heads", self.width // 32, "32 of the width each")
        yield _Field("  hidden", hidden, "twice the width")

    def _training(self) -> Iterable[_Field]:
        epochs = self.steps * self.batch / max(self.n, 1)
        yield _Field("data", yaml.safe_dump(self.data, default_style='"', width=10_000).strip())
        yield _Field("batch", self.batch, "ten steps an epoch, within 16 and 128")
        few, many = _EPOCHS
        why = f"{epochs:,.0f} epochs; by rule {few} to {many}, the more the fewer images there are"
        yield _Field("steps", self.steps, why)
        yield _Field(
            "learning_rate", 0.001, "a start: choose the best on validation for each twin"
        )
        yield _Field("warmup", self.steps // 20, "5 % of the steps")
        yield _Field("weight_decay", 0.05)
        yield _Field("augment")
        yield _Field("  crop_padding", max(self.side // 8, 1), "images move by up to an eighth")
        mirrored = "true where a mirrored image has the same class, as of most photographs"
        yield _Field("  flip", "false", mirrored)
        yield _Field("  cutmix", 0.5, "half of the batches are mixed: less is learned by heart")
        yield _Field("seed", 0, "of weights and order; train each twin with several")


def _line(field: _Field) -> str:
    stated = f"{field.name}: {field.value}".rstrip()
    return f"{stated:<{_NOTE}}# {field.why}\n" if field.why else f"{stated}\n"
