"""Forward passes as units of work."""

from acn_eval.inference.class_matching import ClassOrder, class_map
from acn_eval.inference.condition import CLEAN, ClassMap, Question
from acn_eval.inference.features import Depths, FeatureUnit, feature_widths, read_features
from acn_eval.inference.latency import Timed, latencies, latency
from acn_eval.inference.one_pass import EvaluatedModel, ForwardUnit, Pass
from acn_eval.inference.precision import Numeric, Precision, certificate, numeric_for
from acn_eval.inference.profile import NumericProfile, fitting_batch
from acn_eval.inference.runtime import Runtime, resolve_device

__all__ = [
    "CLEAN",
    "ClassMap",
    "ClassOrder",
    "Depths",
    "EvaluatedModel",
    "FeatureUnit",
    "ForwardUnit",
    "Numeric",
    "NumericProfile",
    "Pass",
    "Precision",
    "Question",
    "Runtime",
    "Timed",
    "certificate",
    "class_map",
    "feature_widths",
    "fitting_batch",
    "latencies",
    "latency",
    "numeric_for",
    "read_features",
    "resolve_device",
]
