"""Forward passes as units of work, and the store that lets a run resume."""

from acn_eval.cache import CACHE_ENV, OutcomeCache, default_store
from acn_eval.inference.class_matching import ClassOrder, class_map
from acn_eval.inference.condition import CLEAN, ClassMap, Question
from acn_eval.inference.features import Depths, FeatureUnit, feature_shape, read_features
from acn_eval.inference.latency import Timed, latencies, latency
from acn_eval.inference.one_pass import EvaluatedModel, ForwardUnit, Pass
from acn_eval.inference.precision import Numeric, Precision, certificate, numeric_for
from acn_eval.inference.profile import NumericProfile, fitting_batch
from acn_eval.inference.runtime import Runtime, resolve_device

__all__ = [
    "CACHE_ENV",
    "CLEAN",
    "ClassMap",
    "ClassOrder",
    "Depths",
    "EvaluatedModel",
    "FeatureUnit",
    "ForwardUnit",
    "Numeric",
    "NumericProfile",
    "OutcomeCache",
    "Pass",
    "Precision",
    "Question",
    "Runtime",
    "Timed",
    "certificate",
    "class_map",
    "default_store",
    "feature_shape",
    "fitting_batch",
    "latencies",
    "latency",
    "numeric_for",
    "read_features",
    "resolve_device",
]
