"""Files of arrays, good and hostile."""

import numpy as np
import pytest

from acn_eval.data import open_examples
from acn_eval.errors import DataError

RNG = np.random.default_rng(0)


IMAGES = RNG.integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)


LABELS = np.arange(20) % 4


def save(path, **changes):
    path.parent.mkdir(exist_ok=True, parents=True)
    arrays = {"images": IMAGES, "labels": LABELS, **changes}
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    return path


def refusal(path, split="test"):
    with pytest.raises(DataError) as caught:
        open_examples(f"npz:{path}", split)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)
