"""Finds the verdict of a gate that lies beside results, and reads it back."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from acn_eval.errors import DataError
from acn_eval.gate import GateRule, Network, Verdict
from acn_eval.results import EvalResult
from acn_eval.statistics import Estimate

__all__ = ["read_verdict", "verdict_about"]

_FIELDS = frozenset({"gate", "verdict", "sentence", "rules", "candidate", "baseline"})


def verdict_about(results: Sequence[EvalResult], folders: Sequence[Path]) -> Verdict | None:
    """Return the newest verdict on these results: what ``acn-eval gate --json`` wrote there.

    Args:
        results: of both sides.
        folders: of the results; the folder above is searched too.
    """
    keys = {result.key for result in results}
    found = {
        file: facts
        for file, facts in _candidates(folders)
        if {facts["candidate"]["key"], facts["baseline"]["key"]} <= keys
    }
    if not found:
        return None
    newest = max(found, key=lambda file: file.stat().st_mtime)
    return read_verdict(found[newest], newest)


def read_verdict(facts: Mapping[str, Any], where: Path) -> Verdict:
    """Return the verdict of its plain JSON.

    Raises:
        DataError: of another version.
    """
    plain = {name: value for name, value in facts.items() if name != "exit_code"}
    try:
        return Verdict(
            **{
                **plain,
                "candidate": Network(**facts["candidate"]),
                "baseline": Network(**facts["baseline"]),
                "rules": tuple(_rule(rule) for rule in facts["rules"]),
                "warnings": tuple(facts["warnings"]),
            }
        )
    except (KeyError, TypeError) as exc:
        msg = f"{where}: must be a verdict of this version; {exc!r}. Run the gate again."
        raise DataError(msg) from exc


def _rule(facts: Mapping[str, Any]) -> GateRule:
    estimate = facts["estimate"]
    return GateRule(**{**facts, "estimate": Estimate(**estimate) if estimate else None})


def _candidates(folders: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every JSON file in or above the folders that looks like a verdict."""
    places = dict.fromkeys(place for folder in folders for place in (folder, folder.parent))
    for file in (f for place in places for f in sorted(place.glob("*.json"))):
        try:
            facts = json.loads(file.read_text())
        except (OSError, ValueError):
            continue
        if isinstance(facts, dict) and facts.keys() >= _FIELDS:
            yield file, facts
