"""CIFAR-10 in torchvision's layout, downloaded where there is internet."""

from pathlib import Path
from typing import Any

import numpy as np

from acn_eval.data.examples import ArrayPictures, Examples
from acn_eval.data.splits import Split, members
from acn_eval.data.torchvision_hub import torchvision_module
from acn_eval.errors import DataError

__all__ = ["open_cifar10"]


def open_cifar10(split: Split, root: Path, *, download: bool = True) -> Examples:
    """Return a split: the official test set; validation is 10 % of train by hash of id.

    Args:
        split: which.
        root: folder that holds ``cifar-10-batches-py``.
        download: a missing one into the root.

    Raises:
        DataError: not there and not downloadable, or damaged; or torchvision is.
    """
    raw = _raw(split, root, download=download)
    ids = np.arange(len(raw.data), dtype=np.int64)
    inside = ids if split == "test" else members(ids, "cifar10", split, validation=0.1, test=0.0)
    return Examples(
        name="cifar10",
        split=split,
        ids=ids[inside],
        labels=np.array(raw.targets, np.int64)[inside],
        classes=tuple(raw.classes),
        pictures=ArrayPictures(raw.data),
        positions=inside,
    )


def _raw(split: Split, root: Path, *, download: bool) -> Any:
    """Read the batches; torchvision checks their digests before it unpickles them."""
    datasets = torchvision_module("torchvision.datasets", "cifar10")
    have = (root / "cifar-10-batches-py").is_dir()
    try:
        return datasets.CIFAR10(str(root), train=split != "test", download=download and not have)
    except (OSError, RuntimeError) as exc:
        missing = f"the download failed ({exc})" if download else "it does not"
        what = "its files are damaged or incomplete" if have else missing
        msg = (
            f"cifar10: {root} must hold cifar-10-batches-py; {what}. "
            "Give its folder with --data-root or ACN_EVAL_DATA."
        )
        raise DataError(msg) from exc
