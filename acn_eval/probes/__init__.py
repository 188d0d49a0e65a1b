"""Probes: what a simple classifier can read from features of a frozen network."""

from acn_eval.probes.features import Features, Split, Test, Train, Validation, shots
from acn_eval.probes.probe import Answered, Probe, score
from acn_eval.probes.protocol import PROTOCOLS, FineTune, Protocol, ProtocolName
from acn_eval.probes.select import Selected, select

__all__ = [
    "PROTOCOLS",
    "Answered",
    "Features",
    "FineTune",
    "Probe",
    "Protocol",
    "ProtocolName",
    "Selected",
    "Split",
    "Test",
    "Train",
    "Validation",
    "score",
    "select",
    "shots",
]
