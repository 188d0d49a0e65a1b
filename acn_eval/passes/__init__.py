"""The one pass over images, and the store that lets it resume."""

from acn_eval.passes.features import Depths, extract, feature_shape, read_features
from acn_eval.passes.latency import Latency, Timed, latencies, latency
from acn_eval.passes.matching import ClassOrder, class_map
from acn_eval.passes.one_pass import Pass, Progress, Subject, one_pass, prepared
from acn_eval.passes.place import Place, Precision, resolve_device
from acn_eval.passes.precision import Numeric, bf16_pays, certificate
from acn_eval.passes.question import CLEAN, ClassMap, Question
from acn_eval.passes.store import CACHE_ENV, Store, default_store

__all__ = [
    "CACHE_ENV",
    "CLEAN",
    "ClassMap",
    "ClassOrder",
    "Depths",
    "Latency",
    "Numeric",
    "Pass",
    "Place",
    "Precision",
    "Progress",
    "Question",
    "Store",
    "Subject",
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
    "prepared",
    "read_features",
    "resolve_device",
]
