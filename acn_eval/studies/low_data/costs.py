"""What a plan costs, before it is started."""

from dataclasses import dataclass

from acn_eval.studies.low_data.plan import Plan, RecipeSide
from acn_eval.studies.low_data.run import price, stored
from acn_eval.training import seconds_per_step

__all__ = ["ArmCost", "costs"]


@dataclass(frozen=True)
class ArmCost:
    """What one side of a plan costs.

    Attributes:
        trainings: how many, of which `done` are stored.
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


def costs(plan: Plan) -> tuple[ArmCost, ArmCost]:
    """Return the costs of both sides; a few steps are measured, and nothing is trained."""
    return _cost(plan, plan.arms[0]), _cost(plan, plan.arms[1])


def _cost(plan: Plan, arm: RecipeSide) -> ArmCost:
    groups = [group for draw in plan.subsets for group in plan.groups(arm, draw)]
    missing = [group for group in groups if stored(plan, group) is None]
    trainings, left = (sum(map(len, some)) for some in (groups, missing))
    pace = 0.0
    if missing:
        pace = seconds_per_step([t.lesson for t in missing[0]], plan.runtime.device)
    steps, each = arm.recipe.steps, arm.recipe.steps * arm.recipe.batch
    forward = price(arm.recipe).flops
    return ArmCost(
        name=arm.name,
        trainings=trainings,
        done=trainings - left,
        steps=trainings * steps,
        examples=trainings * each,
        flops=trainings * forward * (3 * each + len(plan.test)),
        seconds=left * steps * pace * (1 + len(plan.test) / (3 * each)),
        together=max(len(group) for group in groups),
    )
