"""A toy corruption: every image gets darker, by a random share of the level."""

from typing import Literal

from acn_eval.corruptions import ImageCorruption
from acn_eval.corruptions.philox import uniform16


class Shade(ImageCorruption, frozen=True):
    """Multiply every image by ``1 - level u`` with its own uniform ``u``."""

    kind: Literal["shade"] = "shade"
    levels: tuple[float, ...] = (0.5, 0.9)

    def _draw(self, shape, ids, key):
        return uniform16(ids, 1, key.words(self.kind))

    def corrupt(self, shown, draw, level, context):
        share = (draw / 65536).reshape(-1, 1, 1, 1).to(shown.dtype)
        return shown * (1 - level * share)
