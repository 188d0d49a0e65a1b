"""Writes a comparison to a folder of its own, and reads it back."""

import hashlib
import json
from pathlib import Path
from typing import Any

from acn_eval import atomic
from acn_eval.config_files import read_json, recorded
from acn_eval.errors import DataError
from acn_eval.foreign_text import file_name
from acn_eval.results import require_levels
from acn_eval.statistics.comparison import Comparison

__all__ = ["FILE", "comparison_key", "load_comparison", "save_comparison"]

FILE = "comparison.json"


def comparison_key(comparison: Comparison) -> str:
    """Return the content address (16 hex digits) of the keys of both sides, and of the metric."""
    facts: list[object] = [comparison.candidate.keys, comparison.baseline.keys]
    if not comparison.quantity.scored:  # addresses of accuracy are older than other metrics
        facts.append(comparison.quantity.name)
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def save_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write ``comparison.json`` under a folder of its own; return that folder.

    A file that says the same already stays as it is.
    """
    sides = [file_name(arm.label) for arm in (comparison.candidate, comparison.baseline)]
    target = folder / "-".join(["compare", *sides, comparison_key(comparison)])
    text = json.dumps(comparison.to_dict(), indent=1) + "\n"
    if not (target / FILE).is_file() or (target / FILE).read_text() != text:
        atomic.write(target / FILE, text)
    return target


def load_comparison(folder: Path) -> Comparison:
    """Read what `save_comparison` wrote.

    Raises:
        DataError: not a comparison, damaged, or written by another version.
    """
    try:
        comparison: Comparison = recorded(_today(read_json(folder / FILE)), Comparison)
        require_levels(row.condition for row in comparison.rows)
    except (OSError, ValueError) as exc:
        msg = f"{folder}: must be a folder with {FILE} of this version; {exc}. Compare again."
        raise DataError(msg) from exc
    return comparison


def _today(facts: Any) -> Any:
    """Before margins were stated, a tie was a difference that was not detected."""
    claim = facts.get("claim") if isinstance(facts, dict) else None
    if not isinstance(claim, dict) or "equivalence" in claim:
        return facts
    undecided = claim.get("verdict") in ("tie", "undecidable")
    return {**facts, "claim": {**claim, "verdict": "undecided"} if undecided else claim}
