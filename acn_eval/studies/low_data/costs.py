"""What a plan costs, before it is started."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from acn_eval.inference import Runtime
from acn_eval.models import build
from acn_eval.models.cost import cost
from acn_eval.studies.low_data.plan import LowDataPlan
from acn_eval.studies.low_data.trained import StackUnit
from acn_eval.training import Recipe, seconds_per_step

__all__ = ["SideCost", "costs"]


@dataclass(frozen=True)
class SideCost:
    """What one side of a plan costs.

    Attributes:
        trainings: how many, of which `done` are kept.
        steps: optimizer steps in all.
        examples: training images seen, with repetition.
        flops: 3 per FLOP of the forward pass of every example, and 1 of every test image.
        seconds: estimated for what is not done, from a few measured steps.
        together: networks that are stepped as one.
    """

    name: str
    trainings: int
    done: int
    steps: int
    examples: int
    flops: int
    seconds: float
    together: int


def costs(units: Sequence[StackUnit], runtime: Runtime) -> list[SideCost]:
    """Return the costs of both sides; a few steps are measured, and nothing is trained."""
    plan, sides = units[0].plan, sorted({unit.side for unit in units})
    return [_cost(plan, [u for u in units if u.side == side], runtime) for side in sides]


def _cost(plan: LowDataPlan, units: Sequence[StackUnit], runtime: Runtime) -> SideCost:
    side = plan.sides[units[0].side]
    missing = [unit for unit in units if runtime.store.read(unit.address) is None]
    trainings, left = (sum(len(unit.stack) for unit in some) for some in (units, missing))
    each, test = side.recipe.steps * side.recipe.batch, len(plan.test)
    pace = _pace(missing[0], runtime.device) if missing else 0.0
    return SideCost(
        name=side.name,
        trainings=trainings,
        done=trainings - left,
        steps=sum(unit.cost for unit in units),
        examples=trainings * each,
        flops=trainings * _forward_flops(side.recipe) * (3 * each + test),
        seconds=sum(unit.cost for unit in missing) * pace * (1 + test / (3 * each)),
        together=max(len(unit.stack) for unit in units),
    )


def _pace(unit: StackUnit, device: torch.device) -> float:
    return seconds_per_step([training.job for training in unit.stack], device)


def _forward_flops(recipe: Recipe) -> int:
    arch = recipe.arch
    return cost(build(arch), (arch.channels, arch.image_size, arch.image_size)).flops
