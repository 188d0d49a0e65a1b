"""Tasks in which examples have classes, images and sentences, or numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from acn_eval.data.examples import Examples
from acn_eval.data.geometry import PrepareImages
from acn_eval.data.tokens import PrepareTokens
from acn_eval.inference.memory import Batches
from acn_eval.inference.outputs import inputs_of, outputs
from acn_eval.inputs import Prepare
from acn_eval.seeds import seed_for
from acn_eval.statistics.correlation import pearson
from acn_eval.statistics.influence import Undefined
from acn_eval.training.batches import Augment, augmented, batch_indices, bucketed
from acn_eval.training.tasks import Score, TrainingBatch

__all__ = [
    "ImageClasses",
    "SentenceClasses",
    "SentenceNumbers",
    "accuracy_of",
    "answered_numbers",
    "answered_right",
]

_BATCH = 256  # examples of a forward pass


@dataclass(frozen=True)
class ImageClasses:
    """Augmented images have classes, or mixtures of two."""

    order: ClassVar[str] = "epoch permutations v1"

    examples: Examples
    prepare: PrepareImages
    size: int
    seed: int
    augment: Augment

    def batch(self, step: int, device: torch.device) -> TrainingBatch:
        """Return the batch of a step."""
        where = batch_indices(len(self.examples), self.size, step, self.seed)
        key = seed_for("augment", self.seed, step)
        batch = augmented(self.examples, where, self.prepare.spec, self.augment, key)
        images = self.prepare.normalize(batch.images.to(device))
        return TrainingBatch(images, batch.targets.to(device))

    def score(self, network: nn.Module, held_out: Examples, device: torch.device) -> Score:
        """Return the accuracy."""
        return Score(accuracy_of(network, held_out, self.prepare, device), len(held_out))


@dataclass(frozen=True)
class SentenceClasses:
    """Sentences or pairs have classes; a batch has examples of about one length."""

    order: ClassVar[str] = "epoch permutations in buckets of length v1"

    examples: Examples
    prepare: PrepareTokens
    size: int
    seed: int

    def batch(self, step: int, device: torch.device) -> TrainingBatch:
        """Return the batch of a step."""
        n = len(self.examples)
        lengths = partial(self._lengths, self.examples)
        where = bucketed(lengths, n, self.size, step, self.seed)
        inputs = inputs_of(self.examples, where, self.prepare, device)
        targets = torch.from_numpy(self.examples.answers[where]).to(device)
        return TrainingBatch(inputs, targets, int(inputs.mask.sum()))

    def score(self, network: nn.Module, held_out: Examples, device: torch.device) -> Score:
        """Return the accuracy."""
        shown = self._by_length(held_out)
        return Score(accuracy_of(network, shown, self.prepare, device), len(shown))

    def _by_length(self, examples: Examples) -> Examples:
        """Return examples with short ones first, which need less padding."""
        lengths = self._lengths(examples, np.arange(len(examples)))
        return examples.at(np.argsort(lengths, kind="stable"))

    def _lengths(self, examples: Examples, where: NDArray[np.int64]) -> Sequence[int]:
        """Return the characters of examples: tokens go with them, and need no tokenizer."""
        shown = examples.read(where, self.prepare.spec)
        return [sum(map(len, texts)) for texts in shown.texts]


@dataclass(frozen=True)
class SentenceNumbers(SentenceClasses):
    """Sentences or pairs have numbers; batches are those of `SentenceClasses`."""

    def score(self, network: nn.Module, held_out: Examples, device: torch.device) -> Score:
        """Return Pearson's correlation, 0 where it is negative or undefined, and the mean error.

        The error is squared, as in training.
        """
        shown = self._by_length(held_out)
        numbers = answered_numbers(network, shown, self.prepare, device)
        targets = shown.answers.astype(np.float64)
        if not len(targets):
            return Score(0.0, 0, 0.0)
        try:
            found = max(0.0, float(pearson(numbers, targets).values.mean()))
        except Undefined:
            found = 0.0
        return Score(min(found, 1.0), len(targets), float(np.mean((numbers - targets) ** 2)))


def accuracy_of(
    network: nn.Module, examples: Examples, prepare: Prepare, device: torch.device
) -> float:
    """Return the accuracy of a network on examples; 0 without any.

    Raises:
        MeasureError: logits that are NaN or infinite.
    """
    right = answered_right(network, examples, prepare, device)
    return int(right.sum()) / max(1, len(right))


def answered_right(
    network: nn.Module, examples: Examples, prepare: Prepare, device: torch.device
) -> NDArray[np.bool_]:
    """Return for every example (n,) whether its class is predicted, in fp32.

    Raises:
        MeasureError: logits that are NaN or infinite.
    """
    right, batches = np.zeros(len(examples), np.bool_), Batches(_BATCH, device)
    for where, logits in outputs(network, examples, prepare, batches, name="training"):
        right[where] = logits.argmax(1).cpu().numpy() == examples.labels[where]
    return right


def answered_numbers(
    network: nn.Module, examples: Examples, prepare: PrepareTokens, device: torch.device
) -> NDArray[np.float64]:
    """Return the number (n,) that a network answers for every example, in fp32.

    Raises:
        MeasureError: numbers that are NaN or infinite.
    """
    numbers, batches = np.zeros(len(examples)), Batches(_BATCH, device)
    for where, found in outputs(network, examples, prepare, batches, name="training"):
        numbers[where] = found[:, 0].cpu().numpy()
    return numbers
