"""Training batches that depend on the seed and the step alone, so that a resume is exact."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn.functional import one_hot, pad

from acn_eval.config_files import Config
from acn_eval.data.cifar import torchvision_module
from acn_eval.data.examples import Examples
from acn_eval.data.geometry import Geometry, unit_range
from acn_eval.seeds import seed_for

__all__ = [
    "POOL",
    "Augment",
    "Batch",
    "Probability",
    "augmented",
    "batch_indices",
    "bucketed",
    "keyed_rng",
    "pooled_steps",
]

Probability = Annotated[float, Field(ge=0, le=1)]
POOL = 64
"""The most steps whose examples are put in the order of their lengths."""


class Augment(Config, frozen=True):
    """Augmentations of a training batch, in this order.

    Attributes:
        crop_padding: pad by this many pixels and crop back at random, per image.
        flip: mirror left and right with probability one half, per image.
        auto_augment: the CIFAR-10 policy of AutoAugment (torchvision), per image.
        cutmix: probability that a batch is cut-mixed (torchvision, beta 1).
    """

    crop_padding: Annotated[int, Field(ge=0, le=1024)] = 0
    flip: bool = False
    auto_augment: bool = False
    cutmix: Probability = 0.0


class Batch(NamedTuple):
    """Images float32 (n, c, h, w) in [0, 1] and class probabilities float32 (n, classes)."""

    images: Tensor
    targets: Tensor


def batch_indices(n: int, batch: int, step: int, seed: int) -> NDArray[np.int64]:
    """Return the indices (batch,) of a step: epochs are permutations, laid end to end."""
    epochs = range(step * batch // n, ((step + 1) * batch - 1) // n + 1)
    orders = [np.random.default_rng(seed_for("order", seed, e)).permutation(n) for e in epochs]
    start = step * batch - epochs[0] * n
    return np.concatenate(orders)[start : start + batch].astype(np.int64)


def bucketed(
    lengths: Callable[[NDArray[np.int64]], Sequence[int]], n: int, batch: int, step: int, seed: int
) -> NDArray[np.int64]:
    """Return the indices (batch,) of a step whose examples are of about one length.

    The examples of `pooled_steps`, which are those of `batch_indices`, are put in the order of
    their lengths; the batches are taken from there in a random order.

    Args:
        lengths: of the examples at some indices.
        n: number of examples.
        batch: of a step.
        step: 0 or more.
        seed: of both orders.
    """
    steps = pooled_steps(n, batch)
    number, turn = divmod(step, steps)
    pool = batch_indices(n, batch * steps, number, seed)
    sorted_ = pool[np.argsort(lengths(pool), kind="stable")].reshape(steps, batch)
    turns = np.random.default_rng(seed_for("buckets", seed, number)).permutation(steps)
    return np.asarray(sorted_[turns[turn]])


def pooled_steps(n: int, batch: int) -> int:
    """Return the steps whose examples are sorted together: about an epoch's, at most `POOL`.

    Of n examples more steps would hold copies, which sorting puts into one batch. A power of two.

    >>> pooled_steps(20, 16), pooled_steps(1000, 64), pooled_steps(67_349, 64)
    (2, 16, 64)
    """
    return min(POOL, 1 << ((n - 1) // batch).bit_length())


def augmented(
    examples: Examples, where: NDArray[np.int64], geometry: Geometry, augment: Augment, seed: int
) -> Batch:
    """Read and augment one batch; all randomness comes from the seed."""
    images = examples.read(where, geometry)
    labels = torch.from_numpy(examples.labels[where])
    with keyed_rng(seed):
        images = _moved(images, augment)
        targets = one_hot(labels, len(examples.classes)).to(torch.float32)
        batch = Batch(unit_range(images), targets)
        return _cut_mixed(batch, augment.cutmix)


@contextmanager
def keyed_rng(seed: int) -> Iterator[None]:
    """Seed torch's global generator for library augmentations, and restore it afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        yield


def _moved(images: Tensor, augment: Augment) -> Tensor:
    if augment.auto_augment:
        v2 = torchvision_module("torchvision.transforms.v2", "augment.auto_augment")
        policy = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)
        images = torch.stack([policy(image) for image in images])
    if augment.crop_padding:
        images = _cropped(images, augment.crop_padding)
    if augment.flip:
        mirror = torch.rand(len(images)) < 0.5
        images = torch.where(mirror[:, None, None, None], images.flip(-1), images)
    return images


def _cropped(images: Tensor, padding: int) -> Tensor:
    n, _, height, width = images.shape
    windows = pad(images, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    top, left = torch.randint(2 * padding + 1, (2, n))
    return windows[torch.arange(n), :, top, left]


def _cut_mixed(batch: Batch, probability: float) -> Batch:
    if torch.rand(()) >= probability:
        return batch
    v2 = torchvision_module("torchvision.transforms.v2", "augment.cutmix")
    return Batch(*v2.CutMix(num_classes=batch.targets.shape[1])(*batch))
