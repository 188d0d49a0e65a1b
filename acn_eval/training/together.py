"""Small trainings in memory: one alone, or many of one recipe stacked and stepped together."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy

from acn_eval.data import Examples, Geometry, channel_moments
from acn_eval.models import Encoder, build
from acn_eval.training.batches import batch_of
from acn_eval.training.fit import (
    Scale,
    accuracy_of,
    advance,
    finite,
    learning_rate,
    loop,
    optimizer_of,
    start,
)
from acn_eval.training.recipe import Recipe
from acn_eval.training.threads import fitting_threads

__all__ = ["TrainingJob", "seconds_per_step", "stackable", "train_all"]

Progress = Callable[[int], None]
"""Called with the number of training steps that are done, over all lessons."""


@dataclass(frozen=True)
class TrainingJob:
    """One small training.

    Attributes:
        recipe: its seed decides initialisation, order and augmentation.
        examples: what is learned from.
        held_out: what weights are selected on, where the recipe selects; may be empty.
    """

    recipe: Recipe
    examples: Examples
    held_out: Examples

    @property
    def geometry(self) -> Geometry:
        """Size and channels of the pictures."""
        return Geometry(self.recipe.arch.image_size, self.recipe.arch.channels)

    def scale(self, device: torch.device) -> Scale:
        """Return the normalisation, known from the lesson's own examples alone."""
        return Scale(*channel_moments(self.examples, self.geometry), device)


def stackable(recipe: Recipe) -> bool:
    """Return whether networks of a recipe can be stacked: fp32, and the last exit's loss."""
    return recipe.precision == "fp32" and recipe.exit_loss == "last"


def train_all(
    lessons: Sequence[TrainingJob],
    device: torch.device,
    progress: Progress = lambda done: None,
) -> list[Encoder]:
    """Train every lesson and return the networks, in their order.

    One lesson is trained alone. Of several, of one stackable recipe but for the seed, the
    parameters are stacked and stepped as one: the same numbers up to rounding, because matrix
    products are batched, and less overhead where networks are small.

    Raises:
        MeasureError: a loss is no longer finite.
    """
    with _threads(lessons):
        if len(lessons) > 1:
            return _Stack(lessons, device).run(progress)
        return [_alone(lessons[0], device, progress)]


def seconds_per_step(
    lessons: Sequence[TrainingJob],
    device: torch.device,
    *,
    looks: int = 7,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Measure what one step of one training takes: the median of some, after two to warm up."""
    if len(lessons) > 1:
        step = _Stack(lessons, device).step
    else:
        lesson, fit = lessons[0], start(lessons[0].recipe, device)
        step = partial(advance, fit, lesson.examples, lesson.geometry, lesson.scale(device))
    times = []
    with _threads(lessons):
        for _ in range(2 + looks):
            begin = clock()
            step().mean().item()  # waits for the device
            times.append(clock() - begin)
    return median(times[2:]) / len(lessons)


def _threads(lessons: Sequence[TrainingJob]) -> AbstractContextManager[None]:
    recipe = lessons[0].recipe
    return fitting_threads(recipe.arch, recipe.batch * len(lessons))


def _alone(lesson: TrainingJob, device: torch.device, progress: Progress) -> Encoder:
    fit = start(lesson.recipe, device)
    loop(
        fit,
        (lesson.examples, lesson.held_out),
        lesson.geometry,
        lesson.scale(device),
        after=lambda fit: None,
        progress=lambda done, loss: progress(done),
    )
    fit.network.load_state_dict(fit.best["weights"])
    return fit.network.eval()


class _Stack:
    """Networks of one architecture whose parameters are stacked along a new first axis."""

    def __init__(self, lessons: Sequence[TrainingJob], device: torch.device) -> None:
        self.lessons, self.device, self.done = lessons, device, 0
        self.recipe = lessons[0].recipe
        self.scales = [lesson.scale(device) for lesson in lessons]
        networks = [start(lesson.recipe, device).network for lesson in lessons]
        self.form = networks[0]
        self.state, _ = stack_module_state(networks)
        self.optimiser = optimizer_of(
            self.recipe,
            [p for p in self.state.values() if p.dim() > 2],
            [p for p in self.state.values() if p.dim() <= 2],
        )
        self.best: list[tuple[float, Encoder | None]] = [(-1.0, None) for _ in lessons]

    def run(self, progress: Progress) -> list[Encoder]:
        """Step to the end; return the networks."""
        recipe = self.recipe
        while self.done < recipe.steps:
            losses = self.step()
            if self.done % 50 == 0 or self.done == recipe.steps:
                finite(losses, self.done)
                progress(self.done * len(self.lessons))
            if self.done in recipe.looked_at:
                self.best = [self._better(i) for i in range(len(self.lessons))]
        return [network for _, network in self.best if network is not None]

    def step(self) -> Tensor:
        """Do one step of every network; return their losses (networks,)."""
        images, targets = self._batches()
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.recipe, self.done)
        logits = self._logits(images)
        each = cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(0, 1),
            label_smoothing=self.recipe.label_smoothing,
            reduction="none",
        )
        losses = each.view(len(self.lessons), -1).mean(dim=1)
        self.optimiser.zero_grad(set_to_none=True)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self._clip()
        self.optimiser.step()
        self.done += 1
        return losses.detach()

    def _batches(self) -> tuple[Tensor, Tensor]:
        """Images (networks, batch, channels, size, size), targets (networks, batch, classes)."""
        batches = [batch_of(x.recipe, x.examples, x.geometry, self.done) for x in self.lessons]
        images = [scale(b.images) for scale, b in zip(self.scales, batches, strict=True)]
        return torch.stack(images), torch.stack([b.targets for b in batches]).to(self.device)

    def _logits(self, images: Tensor) -> Tensor:
        def one(state: dict[str, Tensor], shown: Tensor) -> Tensor:
            logits: Tensor = functional_call(self.form, state, (shown,))
            return logits

        # The fused kernels of attention have no rule for a further axis; plain products do.
        with sdpa_kernel(SDPBackend.MATH):
            logits: Tensor = vmap(one)(self.state, images)
        return logits

    def _clip(self) -> None:
        """Scale the gradients of every network to its own largest norm."""
        grads = [p.grad for p in self.state.values() if p.grad is not None]
        norms = torch.stack([g.flatten(1).square().sum(dim=1) for g in grads]).sum(dim=0).sqrt()
        factors = (self.recipe.clip / (norms + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(factors.view(-1, *[1] * (grad.dim() - 1)))

    def _better(self, i: int) -> tuple[float, Encoder | None]:
        """Return the best of one network so far, with its accuracy on what is held out."""
        network, lesson = self._network(i), self.lessons[i]
        accuracy = accuracy_of(network, lesson.held_out, lesson.geometry, self.scales[i])
        better = self.recipe.select == "last" or accuracy > self.best[i][0]
        return (accuracy, network) if better else self.best[i]

    def _network(self, i: int) -> Encoder:
        network = build(self.recipe.arch).to(self.device).eval()
        network.load_state_dict({name: p[i].detach() for name, p in self.state.items()})
        return network
