"""The one pass over examples, and the store that lets it resume."""

from acn_eval.inference.cache import CACHE_ENV, OutcomeCache, default_store
from acn_eval.inference.class_matching import ClassOrder, class_map
from acn_eval.inference.condition import CLEAN, ClassMap, Question
from acn_eval.inference.features import Depths, extract, feature_shape, read_features
from acn_eval.inference.latency import Latency, Timed, latencies, latency
from acn_eval.inference.one_pass import EvaluatedModel, Pass, Progress, one_pass
from acn_eval.inference.precision import Numeric, bf16_pays, certificate
from acn_eval.inference.runtime import Precision, Runtime, resolve_device

__all__ = [
    "CACHE_ENV",
    "CLEAN",
    "ClassMap",
    "ClassOrder",
    "Depths",
    "EvaluatedModel",
    "Latency",
    "Numeric",
    "OutcomeCache",
    "Pass",
    "Precision",
    "Progress",
    "Question",
    "Runtime",
    "Timed",
    "bf16_pays",
    "certificate",
    "class_map",
    "default_store",
    "extract",
    "feature_shape",
    "latencies",
    "latency",
    "one_pass",
    "read_features",
    "resolve_device",
]
