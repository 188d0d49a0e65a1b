"""CIFAR-10 and CIFAR-100 in torchvision's layout, downloaded where there is internet."""

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from acn_eval.data.examples import Examples, Split, members
from acn_eval.data.images import ArrayImages
from acn_eval.errors import DataError

__all__ = ["CIFAR", "open_cifar", "torchvision_module"]

CIFAR: Mapping[str, tuple[str, str]] = {
    "cifar10": ("CIFAR10", "cifar-10-batches-py"),
    "cifar100": ("CIFAR100", "cifar-100-python"),
}
"""By name: the class of torchvision, and the folder below the root."""
_LARGEST = 2**28  # bytes; the batches of CIFAR-100 have 155 MB


def open_cifar(name: str, split: Split, root: Path, *, download: bool = True) -> Examples:
    """Return a split: the official test set; validation is 10 % of train by hash of id.

    The root holds ``cifar-10-batches-py`` or ``cifar-100-python``, or gets it by download. The
    classes of CIFAR-100 are the 100 fine ones.

    Raises:
        DataError: not there and not downloadable, or damaged; or torchvision is.
    """
    raw = _raw(name, split, root, download=download)
    ids = np.arange(len(raw.data), dtype=np.int64)
    labels, classes = np.array(raw.targets, np.int64), tuple(raw.classes)
    whole = Examples(name, split, ids, labels, classes, ArrayImages(raw.data), ids)
    if split == "test":
        return whole
    return whole.at(members(ids, name, split, validation=0.1, test=0.0))


def torchvision_module(name: str, where: str) -> Any:
    """Return a module of torchvision, e.g. ``"torchvision.datasets"``.

    A torchvision built for another torch fails with a RuntimeError about an operator, not with an
    ImportError; both mean the same to a user.

    Raises:
        DataError: with `where`, that torchvision cannot be imported, and what to do.
    """
    try:
        return import_module(name)
    except (ImportError, RuntimeError, OSError) as exc:
        reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        remedy = "Install the one that fits this torch: pip install --upgrade torch torchvision"
        msg = f"{where}: torchvision must be importable; got {reason}. {remedy}"
        raise DataError(msg) from exc


def _raw(name: str, split: Split, root: Path, *, download: bool) -> Any:
    """Read the batches; torchvision checks their digests before it unpickles them."""
    kind, folder = CIFAR[name]
    datasets = torchvision_module("torchvision.datasets", name)
    have = os.path.isdir(root / folder)
    try:
        _refuse_strange(root / folder)
        return getattr(datasets, kind)(
            str(root), train=split != "test", download=download and not have
        )
    except (OSError, RuntimeError) as exc:
        missing = f"the download failed ({exc})" if download else "it does not"
        what = "its files are damaged or incomplete" if have else missing
        remedy = "Give its folder as `root`, or with ACN_EVAL_DATA."
        raise DataError(f"{name}: {root} must hold {folder}; {what}. {remedy}", "root") from exc


def _refuse_strange(folder: Path) -> None:
    """Refuse what torchvision would read forever to take its digest: pipes, endless files."""
    for file in folder.iterdir() if os.path.isdir(folder) else ():
        if not file.is_dir() and (not file.is_file() or file.stat().st_size > _LARGEST):
            raise OSError(f"{file.name} is not one of its files")
