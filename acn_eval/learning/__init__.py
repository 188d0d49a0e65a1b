"""Low data, from a plan to results: subsets, trainings that resume, test images, costs."""

from acn_eval.learning.costs import ArmCost, costs
from acn_eval.learning.plan import Plan, open_plan
from acn_eval.learning.probe import Probed, probe
from acn_eval.learning.run import Learned, learn

__all__ = ["ArmCost", "Learned", "Plan", "Probed", "costs", "learn", "open_plan", "probe"]
