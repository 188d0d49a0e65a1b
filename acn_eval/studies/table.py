"""The studies: the only list of them; each room is imported when it is asked for something."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from acn_eval.errors import ConfigError
from acn_eval.statistics.analysis import Analysis

__all__ = ["STUDIES", "analyses", "analysis_of"]

STUDIES: Mapping[str, str] = {
    kind: f"acn_eval.studies.{kind}"
    for kind in (
        "robustness",
        "compression",
        "pruning",
        "transfer",
        "low_data",
        "dynamics",
        "continual",
    )
}


def analysis_of(suite: Mapping[str, Any]) -> Analysis:
    """Return what the results of a suite mean; `suite` is its config, as a result records it.

    Raises:
        ConfigError: no such study.
    """
    kind = str(suite.get("kind", "robustness"))
    if kind not in STUDIES:
        raise ConfigError(f"suite: kind must be one of {', '.join(STUDIES)}; got {kind}")
    analysis: Analysis = import_module(f"{STUDIES[kind]}.analysis").ANALYSIS
    return analysis


def analyses() -> list[Analysis]:
    """Return the analysis of every study."""
    return [analysis_of({"kind": kind}) for kind in STUDIES]
