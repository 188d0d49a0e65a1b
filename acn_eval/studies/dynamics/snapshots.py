"""Looks at a network in training: its gradients per layer, and the accuracy of every exit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Examples
from acn_eval.inference import EvaluatedModel, Runtime
from acn_eval.models import Encoder, require_finite
from acn_eval.studies.dynamics.gradients import split_gradients

__all__ = ["Outcomes", "Snapshot", "Watch", "encoder_of", "features", "outcomes"]


@dataclass(frozen=True)
class Snapshot:
    """One look.

    Attributes:
        step: optimiser steps that are done.
        full, direct, mediated: norms (L + 1) of the gradient of each layer and of its two parts.
        accuracy: on validation, (L + 1), exits 0 .. L.
    """

    step: int
    full: Sequence[float]
    direct: Sequence[float]
    mediated: Sequence[float]
    accuracy: Sequence[float]


@dataclass(frozen=True)
class Outcomes:
    """What exits made of images: predicted class of the data, and its softmax, (exits, n)."""

    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32]


@dataclass(frozen=True)
class Watch:
    """What a network is asked at every look.

    Attributes:
        probe: training images whose loss is differentiated, in one batch.
        validation: images whose accuracy is counted; nothing is chosen by it.
        smoothing: of the labels in that loss, as in training.
    """

    probe: Examples
    validation: Examples
    runtime: Runtime
    smoothing: float

    def look(self, subject: EvaluatedModel, step: int) -> Snapshot:
        """Look once; the network is left as it is."""
        full, direct, mediated = self._norms(subject)
        found = outcomes(subject, self.validation, self.runtime)
        correct = found.predicted == self.validation.labels
        return Snapshot(step, full, direct, mediated, correct.mean(axis=1).tolist())

    def _norms(self, subject: EvaluatedModel) -> tuple[list[float], list[float], list[float]]:
        (batch,) = _batches(subject.checkpoint, self.probe, self.runtime.device, len(self.probe))
        targets = torch.tensor(subject.classes.columns)[self.probe.labels].to(batch.device)

        def loss(network: Encoder) -> Tensor:
            return cross_entropy(network(batch), targets, label_smoothing=self.smoothing)

        layers = split_gradients(encoder_of(subject), loss)
        full, direct, mediated = (
            [float(torch.linalg.vector_norm(getattr(layer, part))) for layer in layers]
            for part in ("full", "direct", "mediated")
        )
        return full, direct, mediated


@torch.no_grad()
def outcomes(subject: EvaluatedModel, examples: Examples, runtime: Runtime) -> Outcomes:
    """Show examples to every exit, in full precision; the network's mode is left as it is."""
    network = encoder_of(subject)
    parts = [
        [_decided(subject, logits) for logits in network.exits(images)]
        for images in _batches(subject.checkpoint, examples, runtime.device, runtime.batch_size)
    ]
    predicted, confidence = (
        np.concatenate([np.stack([each[i] for each in part]) for part in parts], axis=1)
        for i in (0, 1)
    )
    return Outcomes(predicted.astype(np.int32), confidence.astype(np.float32))


@torch.no_grad()
def features(subject: EvaluatedModel, examples: Examples, runtime: Runtime) -> NDArray[np.float64]:
    """Return what the shared head reads at every exit: float64 (exits, n, width)."""
    network = encoder_of(subject)
    parts = [
        torch.stack([reading.stream for reading in network.readings(images)]).cpu()
        for images in _batches(subject.checkpoint, examples, runtime.device, runtime.batch_size)
    ]
    return torch.cat(parts, dim=1).double().numpy()


def encoder_of(subject: EvaluatedModel) -> Encoder:
    """Return the network of a subject, which is one of ours."""
    network = subject.checkpoint.model
    assert isinstance(network, Encoder)
    return network


def _decided(
    subject: EvaluatedModel, logits: Tensor
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    decision = subject.classes.decide(require_finite(logits, subject.checkpoint.id.name))
    return decision.predicted.cpu().numpy(), decision.confidence.cpu().numpy()


def _batches(
    checkpoint: Checkpoint, examples: Examples, device: torch.device, size: int
) -> Iterator[Tensor]:
    for begin in range(0, len(examples), size):
        where = np.arange(begin, min(begin + size, len(examples)))
        spec = checkpoint.prepare.spec
        yield checkpoint.prepare(spec.upload(examples.read(where, spec), device))
