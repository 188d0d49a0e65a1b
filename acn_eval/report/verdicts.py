"""Finds the verdict of a gate that is stored beside results, and reads it back."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from acn_eval.config_files import read_json, recorded
from acn_eval.errors import DataError
from acn_eval.gate.verdict import Verdict
from acn_eval.results import EvalResult

__all__ = ["read_verdict", "verdict_about"]

_FIELDS = frozenset({"gate", "verdict", "sentence", "rules", "candidate", "baseline"})


def verdict_about(results: Sequence[EvalResult], folders: Sequence[Path]) -> Verdict | None:
    """Return the newest verdict on exactly these results, as ``acn-eval gate --json`` writes it.

    Args:
        results: of both sides.
        folders: of the results; the folders above are searched too.
    """
    keys = {result.key for result in results}
    found = {file: facts for file, facts in _candidates(folders) if _about(facts) <= keys}
    if not found:
        return None
    newest = max(found, key=lambda file: file.stat().st_mtime)
    return read_verdict(found[newest], newest)


def read_verdict(facts: Mapping[str, Any], where: Path | str) -> Verdict:
    """Return the verdict of its plain JSON.

    Raises:
        DataError: another version wrote the verdict.
    """
    plain = {name: value for name, value in facts.items() if name != "exit_code"}
    try:
        verdict: Verdict = recorded(plain, Verdict)
    except ValueError as exc:
        msg = f"{where}: must be a verdict of this version; {exc}. Run the gate again."
        raise DataError(msg) from exc
    return verdict


def _about(facts: Mapping[str, Any]) -> set[str]:
    """Return the keys of both results; none where it is no verdict."""
    sides = (facts["candidate"], facts["baseline"])
    return {str(side.get("key")) if isinstance(side, dict) else "" for side in sides}


def _candidates(folders: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every JSON file in or above the folders that looks like a verdict."""
    places = dict.fromkeys(place for folder in folders for place in (folder, folder.parent))
    for file in (f for place in places for f in sorted(place.glob("*.json"))):
        try:
            facts = read_json(file)
        except (OSError, ValueError):
            continue
        if isinstance(facts, dict) and facts.keys() >= _FIELDS:
            yield file, facts
