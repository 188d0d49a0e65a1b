"""Low data, from a plan to results: subsets, trainings that resume, test images, costs."""

from acn_eval.learning.costs import ArmCost, costs
from acn_eval.learning.learn import Learned, learn
from acn_eval.learning.plan import Plan, open_plan

__all__ = ["ArmCost", "Learned", "Plan", "costs", "learn", "open_plan"]
