"""How images come to networks that do not read them alike: noise is then on other pixels."""

import json
from collections.abc import Sequence

from acn_eval.results import EvalResult

__all__ = ["OTHER_PIXELS", "other_pixels", "pixels"]

OTHER_PIXELS = (
    "Not all networks are shown the same pixels: a difference between two of them may be one of "
    "size, crop or padding. With one image_size in the suite, and one crop and filter for all, "
    "they see the same."
)

_FACTS = ("size", "channels", "crop_pct", "crop_mode", "interpolation", "rounding", "fill")


def pixels(results: Sequence[EvalResult]) -> list[str]:
    """Return the facts in which the networks differ, a text for each; "" where all see the same.

    Equal digests of the noisy images prove equal pixels, whatever the records say.

    >>> pixels([])
    []
    """
    digests = {result.noise_digest for result in results}
    same = len(digests) == 1 and digests != {""}
    own = [result.checkpoint.preprocessing for result in results]
    differ = [
        name
        for name in _FACTS
        if not same and len({json.dumps(facts.get(name), default=list) for facts in own}) > 1
    ]
    return [", ".join(f"{name} {facts.get(name)}" for name in differ) for facts in own]


def other_pixels(one: EvalResult, other: EvalResult) -> tuple[str, str] | None:
    """Return what is said of two networks whose noisy pixels differ because they are read so.

    None where they are the same, or where nothing in the records explains the difference.
    """
    left, right = pixels([one, other])
    return (left, right) if left and one.noise_digest != other.noise_digest else None
