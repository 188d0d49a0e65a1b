"""The regression gate: margins, verdicts that can say "I cannot tell", and files for CI."""

from acn_eval.gate.config import Gate, Margins, gate_schema, read_gate
from acn_eval.gate.decide import BLOCK, decide, look, order_names, replay, same_network
from acn_eval.gate.verdict import GateRule, Verdict

__all__ = [
    "BLOCK",
    "Gate",
    "GateRule",
    "Margins",
    "Verdict",
    "decide",
    "gate_schema",
    "look",
    "order_names",
    "read_gate",
    "replay",
    "same_network",
]
