"""The regression gate: margins, verdicts that can say "I cannot tell", and files for CI."""

from acn_eval.gate.config import Gate, Margins, gate_schema, read_gate
from acn_eval.gate.decide import decide, look, replay, same_network
from acn_eval.gate.verdict import GateRule, Verdict

__all__ = [
    "Gate",
    "GateRule",
    "Margins",
    "Verdict",
    "decide",
    "gate_schema",
    "look",
    "read_gate",
    "replay",
    "same_network",
]
