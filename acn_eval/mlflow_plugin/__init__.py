"""The evaluator ``acn_eval`` of ``mlflow.models.evaluate``."""

from acn_eval.mlflow_plugin.evaluator import Evaluator
from acn_eval.mlflow_plugin.plan import Plan

__all__ = ["Evaluator", "Plan"]
