"""Writes a comparison to a folder of its own, and reads it back."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acn_eval import atomic
from acn_eval.errors import DataError
from acn_eval.statistics.comparison import (
    Arm,
    Claim,
    Comparison,
    Estimate,
    Finding,
    ManifestRow,
    Row,
)

__all__ = ["FILE", "comparison_key", "load_comparison", "save_comparison"]

FILE = "comparison.json"


def comparison_key(comparison: Comparison) -> str:
    """Return the content address (16 hex digits) of the two arms: the keys of their results."""
    arms = [comparison.candidate.keys, comparison.baseline.keys]
    return hashlib.sha256(json.dumps(arms).encode()).hexdigest()[:16]


def save_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write ``comparison.json`` under a folder of its own; return that folder.

    A file that says the same already stays as it is.
    """
    sides = [_plain_name(arm.label) for arm in (comparison.candidate, comparison.baseline)]
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
        return _comparison(json.loads((folder / FILE).read_text()))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        msg = f"{folder}: must be a folder with {FILE} of this version; {exc!r}. Compare again."
        raise DataError(msg) from exc


def _plain_name(label: str) -> str:
    """The label without what a file system or a shell would mind."""
    kept = "".join(c if c.isalnum() or c in "._" else " " for c in label)
    return "_".join(kept.split())


def _comparison(facts: Mapping[str, Any]) -> Comparison:
    return Comparison(
        **{
            **facts,
            "candidate": _arm(facts["candidate"]),
            "baseline": _arm(facts["baseline"]),
            "rows": tuple(_row(row) for row in facts["rows"]),
            "primary": _row(facts["primary"]),
            "claim": _claim(facts["claim"]),
            "ratio": _estimate(facts["ratio"]),
            "manifest": tuple(ManifestRow(**row) for row in facts["manifest"]),
            "warnings": tuple(facts["warnings"]),
            "findings": tuple(_finding(finding) for finding in facts["findings"]),
        }
    )


def _arm(facts: Mapping[str, Any]) -> Arm:
    return Arm(facts["label"], tuple(facts["keys"]), tuple(facts["seeds"]))


def _row(facts: Mapping[str, Any]) -> Row:
    estimates = ("candidate", "baseline", "difference", "same_images")
    read = {name: _estimate(facts[name]) for name in estimates}
    return Row(**{**facts, **read, "notes": tuple(facts["notes"])})


def _finding(facts: Mapping[str, Any]) -> Finding:
    estimates = ("candidate", "baseline", "difference")
    return Finding(**{**facts, **{name: _estimate(facts[name]) for name in estimates}})


def _claim(facts: Mapping[str, Any]) -> Claim:
    evidence = {name: Estimate(**value) for name, value in facts["evidence"].items()}
    return Claim(facts["verdict"], facts["sentence"], evidence)


def _estimate(facts: Mapping[str, float] | None) -> Estimate | None:
    return None if facts is None else Estimate(**facts)
