"""Snapshots of a network in training: gradients per layer; score and spread of every exit."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from acn_eval.config_files import Record
from acn_eval.data import Examples
from acn_eval.inference import EvaluatedModel, Runtime
from acn_eval.inference.outputs import inputs_of, outputs
from acn_eval.inference.precision import running
from acn_eval.inference.spread import Spread, spreads
from acn_eval.models import Encoder
from acn_eval.studies.dynamics.gradients import PARTS, split_gradients

__all__ = ["Observer", "Outcomes", "Snapshot", "encoder_of", "features", "outcomes"]


@dataclass(frozen=True)
class Snapshot(Record):
    """Gradients, accuracies and spread of a network at one step.

    Attributes:
        step: optimizer steps that are done.
        full, direct, mediated: norms (L + 1) of the gradient of each layer and of its two parts.
        accuracy, loss, spread: on validation, (L + 1), exits 0 .. L; the mean cross entropy in
            nats.
    """

    step: int
    full: Sequence[float]
    direct: Sequence[float]
    mediated: Sequence[float]
    accuracy: Sequence[float]
    loss: Sequence[float]
    spread: Sequence[Spread]


@dataclass(frozen=True)
class Outcomes:
    """What exits answer about examples, each (exits, n).

    Attributes:
        predicted: class of the data.
        confidence: softmax of that class.
        nll: negative log-likelihood of the label, in nats.
    """

    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32]
    nll: NDArray[np.float32]


@dataclass(frozen=True)
class Observer:
    """Takes snapshots of networks.

    Attributes:
        probe: training images whose loss is differentiated, in one batch.
        validation: images on which accuracy and spread are measured; nothing is chosen by them.
        smoothing: of the labels in that loss, as in training.
    """

    probe: Examples
    validation: Examples
    runtime: Runtime
    smoothing: float

    def snapshot(self, subject: EvaluatedModel, step: int) -> Snapshot:
        """Return what is known of the network now; it is not changed."""
        norms = self._norms(subject)
        shown = outcomes(subject, self.validation, self.runtime)
        correct = shown.predicted == self.validation.labels
        return Snapshot(
            step,
            **norms,
            accuracy=correct.mean(axis=1).tolist(),
            loss=shown.nll.mean(axis=1, dtype=np.float64).tolist(),
            spread=self.spread(subject),
        )

    def spread(self, subject: EvaluatedModel) -> list[Spread]:
        """Return the spread at every exit, in full precision; the network's mode is restored."""
        network, own, shown = encoder_of(subject), subject.checkpoint, self.validation

        def measure(size: int) -> list[Spread]:
            cuts = np.split(np.arange(len(shown)), range(size, len(shown), size))
            parts = (inputs_of(shown, where, own.prepare, self.runtime.device) for where in cuts)
            with running("fp32", self.runtime.device):
                return spreads(network.boundaries(part) for part in parts)

        return self.runtime.batches(own.id.flops).halving(measure)

    def _norms(self, subject: EvaluatedModel) -> dict[str, list[float]]:
        every, prepare = np.arange(len(self.probe)), subject.checkpoint.prepare
        batch = inputs_of(self.probe, every, prepare, self.runtime.device)
        targets = torch.tensor(subject.classes.columns)[self.probe.labels].to(batch.device)

        def loss(network: Encoder) -> Tensor:
            return cross_entropy(network(batch), targets, label_smoothing=self.smoothing)

        layers = split_gradients(encoder_of(subject), loss)
        return {
            part: [float(torch.linalg.vector_norm(getattr(layer, part))) for layer in layers]
            for part in PARTS
        }


def outcomes(subject: EvaluatedModel, examples: Examples, runtime: Runtime) -> Outcomes:
    """Return the outcomes of every exit, in full precision; the network's mode is restored."""
    network, shown = encoder_of(subject), (examples, subject.checkpoint.prepare)

    def ask(images: Tensor) -> Tensor:
        return torch.stack(network.exits(images))

    name, batches = subject.checkpoint.id.name, runtime.batches(subject.checkpoint.id.flops)
    labels = torch.from_numpy(examples.labels)
    parts = [
        [subject.classes.decide(logits, labels[where].to(logits.device)) for logits in exits]
        for where, exits in outputs(ask, *shown, batches, name=name)
    ]
    return Outcomes(
        *(
            torch.cat([torch.stack([getattr(e, f.name) for e in own]) for own in parts], dim=1)
            .cpu()
            .numpy()
            for f in fields(Outcomes)
        )
    )


def features(subject: EvaluatedModel, examples: Examples, runtime: Runtime) -> NDArray[np.float64]:
    """Return the inputs of the shared head at every exit: float64 (exits, n, width)."""
    network = encoder_of(subject)

    def read(images: Tensor) -> Tensor:
        return torch.stack([reading.stream for reading in network.readings(images)])

    own = subject.checkpoint
    shown = (examples, own.prepare, runtime.batches(own.id.flops))
    parts = [exits.cpu() for _, exits in outputs(read, *shown, name=own.id.name)]
    return torch.cat(parts, dim=1).double().numpy()


def encoder_of(subject: EvaluatedModel) -> Encoder:
    """Return the network of a subject, which is one of ours."""
    network = subject.checkpoint.model
    assert isinstance(network, Encoder)
    return network
