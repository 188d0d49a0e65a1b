"""Multinomial logistic regression on a GPU: L-BFGS on all penalties at once.

Every matrix product serves all problems that have not converged; the others are dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import log_softmax, nll_loss, one_hot

from acn_eval.probes.solvers import MAX_ITERATIONS, Solution

__all__ = ["batched_path"]

_LOGITS = 2**27  # at once: 1 GiB, and a few times that while they are used
_MEMORY = 10  # pairs of steps and gradients, as in scipy
_ARMIJO = 1e-4
_HALVINGS = 30
_STALLED = 64 * torch.finfo(torch.float64).eps  # relative decrease, as in scikit-learn


def batched_path(
    x: NDArray[np.float64],
    labels: NDArray[np.int64],
    penalties: Sequence[float],
    tolerance: float,
    device: torch.device,
) -> list[Solution]:
    """Return what `logistic_path` returns, in float64, computed on a device.

    Reference: Nocedal and Wright, "Numerical Optimization", 2006, algorithm 7.4.
    """
    problem = _Problem.of(x, labels, penalties, device)
    at_once = max(1, _LOGITS // problem.targets.numel())
    groups = torch.split(torch.arange(len(penalties), device=device), at_once)
    return [solution for group in groups for solution in _solved(problem.kept(group), tolerance)]


def _solved(problem: "_Problem", tolerance: float) -> list[Solution]:
    many = len(problem.penalties)
    weights = problem.x.new_zeros(many, problem.classes, problem.x.shape[1])
    converged = torch.zeros(many, dtype=torch.bool)
    active = torch.arange(many)
    state = _State(weights.clone(), *problem.loss(weights))
    for _ in range(MAX_ITERATIONS):
        done, failed = state.step(problem, tolerance)
        weights[active] = state.weights
        converged[active[done.cpu()]] = True
        left = ~(done | failed)
        if not left.any():
            break
        if not left.all():
            active, problem = active[left.cpu()], problem.kept(left)
            state.keep(left)
    found = zip(weights.cpu().numpy(), converged.tolist(), strict=True)
    return [Solution(w[:, :-1], w[:, -1], reached) for w, reached in found]


@dataclass(frozen=True)
class _Problem:
    """Shared features (n, width + 1), labels and targets; penalties (problems,) per image."""

    x: Tensor
    labels: Tensor
    targets: Tensor
    penalties: Tensor

    @staticmethod
    def of(
        x: NDArray[np.float64],
        labels: NDArray[np.int64],
        penalties: Sequence[float],
        device: torch.device,
    ) -> "_Problem":
        features = torch.from_numpy(x).to(device)
        index = torch.from_numpy(labels).to(device)
        targets = one_hot(index).to(torch.float64)
        # scikit-learn penalizes the one difference of two classes: half of what two maps add up to
        twice = 2 if targets.shape[1] == 2 else 1
        scaled = torch.tensor(penalties, dtype=torch.float64, device=device) * twice / len(x)
        ones = torch.ones(len(x), 1, dtype=torch.float64, device=device)
        return _Problem(torch.cat([features, ones], 1), index, targets, scaled)

    @property
    def classes(self) -> int:
        return self.targets.shape[1]

    def kept(self, left: Tensor) -> "_Problem":
        return _Problem(self.x, self.labels, self.targets, self.penalties[left])

    def loss(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss (problems,) and its gradient (problems, classes, width + 1)."""
        n, many = len(self.x), len(weights)
        logits = (self.x @ weights.flatten(0, 1).T).view(n, many, self.classes)
        logp = log_softmax(logits, dim=2)
        index = self.labels[:, None].expand(n, many)
        fit = nll_loss(logp.transpose(1, 2), index, reduction="none").mean(0)
        residual = (logp.exp_() - self.targets[:, None, :]).div_(n)
        gradient = (residual.view(n, -1).T @ self.x).view_as(weights)
        shrunk = weights.clone()
        shrunk[..., -1] = 0  # the bias is free
        penalty = self.penalties[:, None, None]
        return fit + (penalty * shrunk**2).sum((1, 2)) / 2, gradient + penalty * shrunk


@dataclass
class _State:
    """Where every problem stands, and the pairs (step, change of gradient, 1 / product)."""

    weights: Tensor
    value: Tensor
    gradient: Tensor
    pairs: list[tuple[Tensor, Tensor, Tensor]] = field(default_factory=list)

    def keep(self, left: Tensor) -> None:
        self.weights, self.value = self.weights[left], self.value[left]
        self.gradient = self.gradient[left]
        self.pairs = [(s[left], y[left], r[left]) for s, y, r in self.pairs]

    def step(self, problem: _Problem, tolerance: float) -> tuple[Tensor, Tensor]:
        """Take one step; return which problems have converged and which can go no further."""
        before = self.value
        direction = self._direction()
        slope = _dot(direction, self.gradient)
        length = torch.ones_like(slope)
        if not self.pairs:
            length = (1 / self.gradient.abs().sum((1, 2)).clamp_min(1e-300)).clamp_max(1.0)
        moved = self._searched(problem, direction, slope, length)
        stalled = (before - self.value) <= _STALLED * before.abs().clamp_min(1.0)
        done = (self.gradient.abs().amax((1, 2)) <= tolerance) | (moved & stalled)
        return done, ~moved & ~done

    def _searched(
        self, problem: _Problem, direction: Tensor, slope: Tensor, length: Tensor
    ) -> Tensor:
        """Halve the steps that do not descend enough; return which problems have moved."""
        for _ in range(_HALVINGS):
            step = length[:, None, None] * direction
            value, gradient = problem.loss(self.weights + step)
            good = value <= self.value + _ARMIJO * length * slope
            if good.all():
                break
            length = torch.where(good, length, length / 2)
        step = torch.where(good[:, None, None], step, 0.0)
        change = torch.where(good[:, None, None], gradient - self.gradient, 0.0)
        product = _dot(step, change)
        inverse = torch.where(product > 0, 1 / product, 0.0)
        self.pairs = [*self.pairs, (step, change, inverse)][-_MEMORY:]
        self.weights, self.gradient = self.weights + step, self.gradient + change
        self.value = torch.where(good, value, self.value)
        return good

    def _direction(self) -> Tensor:
        q, shares = self.gradient.clone(), []
        for step, change, inverse in reversed(self.pairs):
            share = inverse * _dot(step, q)
            q -= share[:, None, None] * change
            shares.append(share)
        if self.pairs:
            _, change, inverse = self.pairs[-1]
            size = _dot(change, change) * inverse
            q *= torch.where(size > 0, 1 / size, 1.0)[:, None, None]
        for (step, change, inverse), share in zip(self.pairs, reversed(shares), strict=True):
            q += (share - inverse * _dot(change, q))[:, None, None] * step
        return -q


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((1, 2))
