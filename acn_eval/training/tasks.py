"""What a recipe asks of its network: the batch of a step, and the score on held-out examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from acn_eval.data.examples import Examples
from acn_eval.data.geometry import PrepareImages
from acn_eval.data.tokens import PrepareTokens
from acn_eval.inference.memory import Batches
from acn_eval.inference.outputs import inputs_of, outputs
from acn_eval.inputs import Prepare
from acn_eval.training.batches import batch_of, bucketed
from acn_eval.training.recipe import Recipe

__all__ = [
    "ImageClasses",
    "Score",
    "SentenceClasses",
    "Task",
    "TrainingBatch",
    "accuracy_of",
    "answered_right",
]

_BATCH = 256  # examples of a forward pass


class TrainingBatch(NamedTuple):
    """What a network is shown at a step, on its device.

    Attributes:
        inputs: of the network, n examples.
        targets: what `torch.nn.functional.cross_entropy` compares logits (n, classes) with, or
            the logits (asked, pieces) of the tokens that are asked.
        tokens: of the batch that are no padding; 0 of images.
    """

    inputs: Any
    targets: Tensor
    tokens: int = 0


class Score(NamedTuple):
    """What a network reaches on held-out examples.

    Attributes:
        accuracy: share of right answers; 0 without examples.
        n: number of answers.
        loss: mean cross entropy in nats, where it is measured.
    """

    accuracy: float
    n: int
    loss: float | None = None


class Task(Protocol):
    """What a recipe asks, with its training examples and their preparation.

    Attributes:
        order: name of the order of examples; equal names with equal seeds see equal batches.
    """

    order: ClassVar[str]

    def batch(self, step: int, device: torch.device) -> TrainingBatch:
        """Return the batch of a step, which depends on recipe, examples and step alone."""

    def score(self, network: nn.Module, held_out: Examples, device: torch.device) -> Score:
        """Return what a network in eval mode reaches on held-out examples.

        Raises:
            MeasureError: logits that are NaN or infinite.
        """


@dataclass(frozen=True)
class ImageClasses:
    """Augmented images have classes, or mixtures of two."""

    order: ClassVar[str] = "epoch permutations v1"

    recipe: Recipe
    examples: Examples
    prepare: PrepareImages

    def batch(self, step: int, device: torch.device) -> TrainingBatch:
        """Return the batch of a step."""
        batch = batch_of(self.recipe, self.examples, self.prepare.spec, step)
        images = self.prepare.normalize(batch.images.to(device))
        return TrainingBatch(images, batch.targets.to(device))

    def score(self, network: nn.Module, held_out: Examples, device: torch.device) -> Score:
        """Return the accuracy."""
        return Score(accuracy_of(network, held_out, self.prepare, device), len(held_out))


@dataclass(frozen=True)
class SentenceClasses:
    """Sentences or pairs have classes; a batch has examples of about one length."""

    order: ClassVar[str] = "epoch permutations in buckets of length v1"

    recipe: Recipe
    examples: Examples
    prepare: PrepareTokens

    def batch(self, step: int, device: torch.device) -> TrainingBatch:
        """Return the batch of a step."""
        recipe, n = self.recipe, len(self.examples)
        where = bucketed(self._lengths, n, recipe.batch, step, recipe.seed)
        inputs = inputs_of(self.examples, where, self.prepare, device)
        targets = torch.from_numpy(self.examples.labels[where]).to(device)
        return TrainingBatch(inputs, targets, int(inputs.mask.sum()))

    def score(self, network: nn.Module, held_out: Examples, device: torch.device) -> Score:
        """Return the accuracy."""
        return Score(accuracy_of(network, held_out, self.prepare, device), len(held_out))

    def _lengths(self, where: NDArray[np.int64]) -> Sequence[int]:
        """Return the characters of examples: tokens go with them, and need no tokenizer."""
        shown = self.examples.read(where, self.prepare.spec)
        return [sum(map(len, texts)) for texts in shown.texts]


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
