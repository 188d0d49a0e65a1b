"""The questions that can be asked of a checkpoint: one module, one YAML, one line each."""

from acn_eval.suites.bench import FineTuning
from acn_eval.suites.compression import Compression
from acn_eval.suites.continual import Continual
from acn_eval.suites.dynamics import Dynamics
from acn_eval.suites.files import shipped_suites
from acn_eval.suites.low_data import LowData, LowDataProbe, Side
from acn_eval.suites.pruning import Pruning
from acn_eval.suites.read import AnySuite, read_suite, schema
from acn_eval.suites.remedies import ElasticWeights, Joint, Naive, Replay, SynapticIntelligence
from acn_eval.suites.removal import ByMagnitude, ByMovement, Gradually, Structured
from acn_eval.suites.robustness import Robustness
from acn_eval.suites.suite import Answer, Setting, Suite
from acn_eval.suites.transfer import Transfer

__all__ = [
    "Answer",
    "AnySuite",
    "ByMagnitude",
    "ByMovement",
    "Compression",
    "Continual",
    "Dynamics",
    "ElasticWeights",
    "FineTuning",
    "Gradually",
    "Joint",
    "LowData",
    "LowDataProbe",
    "Naive",
    "Pruning",
    "Replay",
    "Robustness",
    "Setting",
    "Side",
    "Structured",
    "Suite",
    "SynapticIntelligence",
    "Transfer",
    "read_suite",
    "schema",
    "shipped_suites",
]
