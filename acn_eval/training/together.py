"""Small trainings in memory: one alone, or many of one recipe stacked and stepped together."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy

from acn_eval.data import Examples, PrepareImages
from acn_eval.data.tokens import PrepareTokens
from acn_eval.models import Encoder, build
from acn_eval.models.configs import ImageConfig
from acn_eval.training.classes import accuracy_of
from acn_eval.training.fit import (
    advance,
    finite,
    learning_rate,
    loop,
    optimizer_of,
    start,
    task_of,
)
from acn_eval.training.recipe import Recipe
from acn_eval.training.resume import Resume
from acn_eval.training.sources import prepare_for
from acn_eval.training.tasks import Task
from acn_eval.training.threads import fitting_threads, forward_flops

__all__ = ["TrainingJob", "seconds_per_step", "stackable", "stacking_pays", "train_all"]

_OVERHEAD = 1e8  # FLOPs


@dataclass(frozen=True)
class TrainingJob:
    """One small training.

    Attributes:
        recipe: its seed decides initialization, order and augmentation.
        examples: of the training.
        held_out: those on which weights are selected, where the recipe selects; may be empty.
        root: where a vocabulary is looked for, see `acn_eval.data.data_root`.
    """

    recipe: Recipe
    examples: Examples
    held_out: Examples
    root: Path | None = None

    @cached_property
    def prepare(self) -> PrepareImages | PrepareTokens:
        """The preparation, which the job's own examples alone decide."""
        return prepare_for(self.recipe, self.examples, self.root)

    @cached_property
    def task(self) -> Task:
        """What the recipe asks of the network on these examples."""
        return task_of(self.recipe, self.examples, self.prepare)


def stackable(recipe: Recipe) -> bool:
    """Return whether networks of a recipe can be stacked: images, fp32, the last exit's loss."""
    plain = recipe.precision == "fp32" and recipe.exit_loss == "last"
    return plain and isinstance(recipe.arch, ImageConfig)


def stacking_pays(recipe: Recipe) -> bool:
    """Return whether stepping networks of a recipe as one is faster, from the work of a step.

    Below 1e8 FLOPs of the forward pass a step is mostly overhead, which stacked networks share:
    four of them took 1.2 to 1.6 times less CPU time than one after another. Above, they took as
    long (benchmarks/train_together.py).
    """
    return stackable(recipe) and forward_flops(build(recipe.arch), recipe.batch) < _OVERHEAD


def train_all(
    jobs: Sequence[TrainingJob], device: torch.device, resume: Resume | None = None
) -> list[Encoder]:
    """Train every job and return the networks, in their order.

    One job is trained alone. Of several, of one stackable recipe but for the seed, the
    parameters are stacked and stepped as one: the same numbers up to rounding, because matrix
    products are batched, and less overhead where networks are small. `resume` counts the steps of
    one.

    Raises:
        MeasureError: a loss is no longer finite.
    """
    resume = resume or Resume()
    if len(jobs) > 1:
        return resume.begin(partial(_Stack, jobs, device)).run(resume)
    return [_alone(jobs[0], device, resume)]


def seconds_per_step(
    jobs: Sequence[TrainingJob],
    device: torch.device,
    *,
    looks: int = 7,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Return the seconds of one step of one training: a median, after two steps of warm-up."""
    fit = start(jobs[0].recipe, device)
    alone = partial(advance, fit, jobs[0].task)
    step = _Stack(jobs, device).step if len(jobs) > 1 else alone
    times = []
    with fitting_threads(fit.network, jobs[0].recipe.batch * len(jobs)):
        for _ in range(2 + looks):
            begin = clock()
            step().mean().item()  # waits for the device
            times.append(clock() - begin)
    return median(times[2:]) / len(jobs)


def _alone(job: TrainingJob, device: torch.device, resume: Resume) -> Encoder:
    fit = resume.begin(partial(start, job.recipe, device))
    splits = job.examples, job.held_out
    with resume.following() as after:
        loop(fit, splits, job.prepare, after, progress=lambda done, loss: resume.tell(done))
    fit.network.load_state_dict(fit.best["weights"])
    return fit.network.eval()


class _Stack:
    """Networks of one architecture whose parameters are stacked along a new first axis."""

    def __init__(self, jobs: Sequence[TrainingJob], device: torch.device) -> None:
        self.jobs, self.device, self.done = jobs, device, 0
        self.recipe = jobs[0].recipe
        networks = [start(job.recipe, device).network for job in jobs]
        self.form = networks[0]
        self.weights, _ = stack_module_state(networks)
        self.optimizer = optimizer_of(
            self.recipe,
            [p for p in self.weights.values() if p.dim() > 2],
            [p for p in self.weights.values() if p.dim() <= 2],
        )
        self.best: list[tuple[float, dict[str, Tensor]]] = [(-1.0, {}) for _ in jobs]

    def run(self, resume: Resume) -> list[Encoder]:
        """Step to the end; return the networks."""
        recipe, count = self.recipe, len(self.jobs)
        with fitting_threads(self.form, recipe.batch * count), resume.following() as after:
            while self.done < recipe.steps:
                losses = self.step()
                if self.done % 50 == 0 or self.done == recipe.steps:
                    finite(losses, self.done)
                    resume.tell(self.done)
                if self.done in recipe.looked_at:
                    self.best = [self._better(i) for i in range(count)]
                after(self)
        return [self._network(weights) for _, weights in self.best]

    def state(self) -> dict[str, Any]:
        """Return what decides all further steps."""
        return {
            "weights": {name: p.detach() for name, p in self.weights.items()},
            "optimizer": self.optimizer.state_dict(),
            "done": self.done,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        kept = [state["weights"][name] for name in self.weights]
        with torch.no_grad():
            torch._foreach_copy_(list(self.weights.values()), kept)
        self.optimizer.load_state_dict(state["optimizer"])
        self.done, self.best = state["done"], list(state["best"])

    def step(self) -> Tensor:
        """Do one step of every network; return their losses (networks,)."""
        images, targets = self._batches()
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.done)
        logits = self._logits(images)
        each = cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(0, 1),
            label_smoothing=self.recipe.label_smoothing,
            reduction="none",
        )
        losses = each.view(len(self.jobs), -1).mean(dim=1)
        self.optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self._clip()
        self.optimizer.step()
        self.done += 1
        return losses.detach()

    def _batches(self) -> tuple[Tensor, Tensor]:
        """Images (networks, batch, channels, size, size), targets (networks, batch, classes)."""
        batches = [job.task.batch(self.done, self.device) for job in self.jobs]
        return torch.stack([b.inputs for b in batches]), torch.stack([b.targets for b in batches])

    def _logits(self, images: Tensor) -> Tensor:
        def one(weights: dict[str, Tensor], shown: Tensor) -> Tensor:
            logits: Tensor = functional_call(self.form, weights, (shown,))
            return logits

        # The fused kernels of attention have no rule for a further axis; plain products do.
        with sdpa_kernel(SDPBackend.MATH):
            logits: Tensor = vmap(one)(self.weights, images)
        return logits

    def _clip(self) -> None:
        """Scale the gradients of every network to its own largest norm."""
        grads = [p.grad for p in self.weights.values() if p.grad is not None]
        norms = torch.stack([g.flatten(1).square().sum(dim=1) for g in grads]).sum(dim=0).sqrt()
        factors = (self.recipe.clip / (norms + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factors.view(-1, *[1] * (grad.dim() - 1)))

    def _better(self, i: int) -> tuple[float, dict[str, Tensor]]:
        """Return the best weights of one network so far, with their held-out accuracy."""
        weights, job = (
            {name: p[i].detach().clone() for name, p in self.weights.items()},
            self.jobs[i],
        )
        accuracy = accuracy_of(self._network(weights), job.held_out, job.prepare, self.device)
        better = self.recipe.select == "last" or accuracy > self.best[i][0]
        return (accuracy, weights) if better else self.best[i]

    def _network(self, weights: dict[str, Tensor]) -> Encoder:
        network = build(self.recipe.arch).to(self.device).eval()
        network.load_state_dict(weights)
        return network
