"""Continual learning, from a plan to results: tasks in turn, remedies, what is forgotten."""

from acn_eval.continual.costs import CourseCost, costs
from acn_eval.continual.plan import Course, Plan, open_plan
from acn_eval.continual.run import Rivals, rivals

__all__ = ["Course", "CourseCost", "Plan", "Rivals", "costs", "open_plan", "rivals"]
