"""Multinomial logistic regression along a path of penalties, on the CPU or a GPU.

The method is L-BFGS, and three things keep it short: features are turned to their singular
vectors, where directions that do not vary are left out; every penalty starts where the two before
it lead; and steps are scaled by the curvature there.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.linalg import solve_triangular
from torch.nn.functional import one_hot

from acn_eval.probes.solvers import Solution

__all__ = ["MAX_ITERATIONS", "logistic_path"]

MAX_ITERATIONS = 1000
_MEMORY = 20  # pairs of steps and changes of the gradient
_FEW = 400  # coefficients: up to here an exact Hessian costs less than the steps that it saves
_ROWS = 1024  # images whose share of a Hessian is formed at once
_ARMIJO = 1e-4
_TURNED = 0.9  # of the slope at the start, in the other direction: a step is too long above it
_HALVINGS = 30
_ROUNDING = 64 * torch.finfo(torch.float64).eps  # of a loss: a step within it ends scikit-learn's
_FLAT = 100  # so many steps within it end ours: float64 goes no further

_Scale = Callable[[Tensor], Tensor]
"""Multiplies a gradient (classes, rank + 1) by about the inverse of the Hessian."""
_Scaled = Callable[["_Problem", Tensor, Tensor], _Scale]
"""Returns that for a problem, chances (classes, n) and a ridge (rank + 1,)."""


def logistic_path(
    x: NDArray[np.float64],
    labels: NDArray[np.int64],
    penalties: Sequence[float],
    tolerance: float,
    device: torch.device,
) -> list[Solution]:
    """Minimize ``sum of log losses + penalty / 2 |W|^2`` for every penalty, in float64.

    The path is fastest from the strongest penalty to the weakest.

    Args:
        x: features (n, width).
        labels: (n,), 0 .. classes - 1, each of which occurs; two classes or more.
        penalties: positive; scikit-learn's C is their inverse.
        tolerance: largest gradient of the mean loss, as scikit-learn's ``tol``.
        device: where to compute.

    Reference: Nocedal and Wright, "Numerical Optimization", 2006, chapters 6 and 7.
    """
    problem = _Problem.of(torch.from_numpy(x).to(device), torch.from_numpy(labels).to(device))
    found = _path(problem, penalties, tolerance)
    return [problem.solution(point.weights, reached) for point, reached in found]


class _Point(NamedTuple):
    """Weights (classes, rank + 1), the mean log loss, its gradient, and chances (classes, n)."""

    weights: Tensor
    loss: Tensor
    gradient: Tensor
    chances: Tensor

    def value(self, ridge: Tensor) -> float:
        return (self.loss + (ridge * self.weights**2).sum() / 2).item()

    def slopes(self, ridge: Tensor) -> Tensor:
        return self.gradient + ridge * self.weights


@dataclass(frozen=True)
class _Problem:
    """Centered features in the basis of their singular vectors.

    Attributes:
        x: (n, rank + 1); the last column is 1, for the bias.
        targets: (classes, n), 1 for the class of an image.
        mean, basis: (width,) and (rank, width); the features are ``x[:, :-1] @ basis + mean``.
        differences: (classes, classes - 1), an orthonormal basis of what adds up to zero.
    """

    x: Tensor
    targets: Tensor
    mean: Tensor
    basis: Tensor
    differences: Tensor

    @staticmethod
    def of(features: Tensor, labels: Tensor) -> "_Problem":
        mean = features.mean(0)
        u, s, basis = torch.linalg.svd(features - mean, full_matrices=False)
        least = torch.finfo(s.dtype).eps * max(features.shape)  # as numpy's matrix_rank
        rank = int((s > least * s.max()).sum())
        x = torch.cat([u[:, :rank] * s[:rank], torch.ones_like(u[:, :1])], 1)
        targets = one_hot(labels).T.to(s).contiguous()
        ones, units = targets.new_ones(len(targets), 1), torch.eye(len(targets)).to(s)
        differences = torch.linalg.qr(torch.cat([ones, units[:, 1:]], 1)).Q[:, 1:]
        return _Problem(x, targets, mean, basis[:rank], differences)

    def ridge(self, penalty: float) -> Tensor:
        """Return the penalty of the mean loss per column (rank + 1,); the bias is free."""
        # scikit-learn penalizes the one difference of two classes: half of what two maps add up to
        twice = 2 if len(self.targets) == 2 else 1
        ridge = torch.full_like(self.x[0], penalty * twice / len(self.x))
        ridge[-1] = 0
        return ridge

    def at(self, weights: Tensor) -> _Point:
        log_chances = (weights @ self.x.T).log_softmax(0)
        n = len(self.x)
        loss = -(log_chances * self.targets).sum() / n
        chances = log_chances.exp_()
        return _Point(weights, loss, (chances - self.targets).div_(n) @ self.x, chances)

    def steepest(self, gradient: Tensor) -> float:
        """Return the largest entry of a gradient (classes, rank + 1) in the given features."""
        bias = gradient[:, -1:]
        own = gradient[:, :-1] @ self.basis + bias * self.mean
        return max(own.abs().max().item(), bias.abs().max().item())

    def solution(self, weights: Tensor, converged: bool) -> Solution:
        own = weights[:, :-1] @ self.basis
        bias = weights[:, -1] - own @ self.mean
        return Solution(own.cpu().numpy(), bias.cpu().numpy(), converged)


def _path(
    problem: _Problem, penalties: Sequence[float], tolerance: float
) -> Iterator[tuple[_Point, bool]]:
    memory = _Memory()
    before = point = problem.at(problem.x.new_zeros(len(problem.targets), problem.x.shape[1]))
    classes, columns = point.weights.shape
    few = classes * max(classes, columns) <= _FEW
    for penalty in penalties:
        ridge = problem.ridge(penalty)
        further = problem.at(2 * point.weights - before.weights)
        start = point if point.value(ridge) <= further.value(ridge) else further
        if few:
            memory = _Memory()  # what was learned of other Hessians is worse than this one
        before, scaled = point, _newton if few else _diagonal
        point, reached = _descended(problem, start, ridge, tolerance, memory, scaled)
        yield point, reached


def _descended(
    problem: _Problem,
    point: _Point,
    ridge: Tensor,
    tolerance: float,
    memory: "_Memory",
    scaled: _Scaled,
) -> tuple[_Point, bool]:
    """Return the minimum, and whether it is one to the tolerance."""
    flat, scale = 0, None
    for _ in range(MAX_ITERATIONS):
        slopes = point.slopes(ridge)
        if flat == _FLAT or problem.steepest(slopes) <= tolerance:
            return point, True
        scale = scale or scaled(problem, point.chances, ridge)
        found = _searched(problem, point, ridge, memory.direction(slopes, ridge, scale))
        if found is None:
            return point, False
        moved, level = found
        memory.add(moved.weights - point.weights, moved.gradient - point.gradient)
        flat += level
        point = moved
    return point, False


def _searched(
    problem: _Problem, point: _Point, ridge: Tensor, direction: Tensor
) -> tuple[_Point, bool] | None:
    """Halve a step until it descends enough; None where no step does.

    The second value says whether the descent is within the rounding of losses.

    Reference: Hager and Zhang, "A new conjugate gradient method with guaranteed descent and an
    efficient line search", 2005, conditions T1 and T2.
    """
    value, slope = point.value(ridge), (point.slopes(ridge) * direction).sum().item()
    rounding, length = _ROUNDING * max(1.0, value), 1.0
    for _ in range(_HALVINGS):
        moved = problem.at(point.weights + length * direction)
        gained = value - moved.value(ridge)
        if gained >= -_ARMIJO * length * slope:
            return moved, gained <= rounding
        # among losses that are equal but for rounding, the slope decides
        if gained >= -rounding and (moved.slopes(ridge) * direction).sum() <= -_TURNED * slope:
            return moved, True
        length /= 2
    return None


class _Memory:
    """Steps, and the changes of the gradient of the mean loss without penalty over them."""

    def __init__(self) -> None:
        self._steps: list[Tensor] = []
        self._changes: list[Tensor] = []

    def add(self, step: Tensor, change: Tensor) -> None:
        if (step * change).sum() > 0:
            self._steps = [*self._steps, step][-_MEMORY:]
            self._changes = [*self._changes, change][-_MEMORY:]

    def direction(self, gradient: Tensor, ridge: Tensor, scale: _Scale) -> Tensor:
        """Return the two-loop recursion in its compact form.

        Reference: Byrd, Nocedal and Schnabel, "Representations of quasi-Newton matrices", 1994,
        theorem 2.2.
        """
        if not self._steps:
            return -scale(gradient)
        steps = torch.stack(self._steps)
        changes = (torch.stack(self._changes) + ridge * steps).flatten(1)
        steps = steps.flatten(1)
        products = steps @ changes.T
        upper, flat = products.triu(), gradient.reshape(-1, 1)
        share = solve_triangular(upper, steps @ flat, upper=True)
        scaled = scale((flat - changes.T @ share).view_as(gradient)).reshape(-1, 1)
        right = products.diagonal()[:, None] * share - changes @ scaled
        rest = steps.T @ solve_triangular(upper.T, right, upper=False)
        direction: Tensor = -(scaled + rest).view_as(gradient)
        return direction


def _diagonal(problem: _Problem, chances: Tensor, ridge: Tensor) -> _Scale:
    """Scale columns by a Hessian in which every image and class has the mean curvature."""
    spread = (chances * (1 - chances)).mean().clamp_min(_ROUNDING)
    columns = 1 / (spread * problem.x.square().mean(0) + ridge)
    return lambda gradient: gradient * columns


def _newton(problem: _Problem, chances: Tensor, ridge: Tensor) -> _Scale:
    """Solve with the exact Hessian, over weights that add up to zero over the classes."""
    many, columns = problem.differences.shape[1], problem.x.shape[1]
    hessian = problem.x.new_zeros(many, columns, many, columns)
    for x, own in zip(torch.split(problem.x, _ROWS), torch.split(chances, _ROWS, 1), strict=True):
        _add_curvature(hessian, x, own, problem.differences)
    hessian /= len(problem.x)
    square = hessian.view(many * columns, -1)
    diagonal = square.diagonal()
    diagonal += ridge.repeat(many) + 1e-12 * diagonal.max()
    factor = torch.linalg.cholesky(square)

    def scale(gradient: Tensor) -> Tensor:
        own = (problem.differences.T @ gradient).reshape(-1, 1)
        return problem.differences @ torch.cholesky_solve(own, factor).view(many, columns)

    return scale


def _add_curvature(hessian: Tensor, x: Tensor, chances: Tensor, turn: Tensor) -> None:
    """Add what some images (rows, columns) give to the lower triangle."""
    turned = chances.T @ turn
    outer = torch.einsum("ka,kn,kb->nab", turn, chances, turn)
    curvature = outer - turned[:, :, None] * turned[:, None, :]
    for a in range(turn.shape[1]):
        weighed = curvature[:, a, : a + 1, None] * x[:, None, :]
        hessian[a, :, : a + 1] += (x.T @ weighed.flatten(1)).view(-1, a + 1, x.shape[1])
