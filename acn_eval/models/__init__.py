"""Networks with exits; connectivity is their one swappable idea."""

from acn_eval.models.bert import BertConfig
from acn_eval.models.build import AnyArch, build, initialize, read_arch, rewired
from acn_eval.models.cost import Cost, cost, exit_costs, head_flops
from acn_eval.models.cuttable import Boundary, Cuttable, Readings
from acn_eval.models.encoder import Encoder
from acn_eval.models.mixer import MixerConfig, OfficialMixerConfig
from acn_eval.models.vit import OfficialViTConfig, ViTConfig

__all__ = [
    "AnyArch",
    "BertConfig",
    "Boundary",
    "Cost",
    "Cuttable",
    "Encoder",
    "MixerConfig",
    "OfficialMixerConfig",
    "OfficialViTConfig",
    "Readings",
    "ViTConfig",
    "build",
    "cost",
    "exit_costs",
    "head_flops",
    "initialize",
    "read_arch",
    "rewired",
]
