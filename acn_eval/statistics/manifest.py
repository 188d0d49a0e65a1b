"""The fair-pair manifest: what has to be equal before a difference is due to the architecture."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from acn_eval.results import EvalResult
from acn_eval.statistics.comparison import ManifestRow

__all__ = ["manifest", "mismatches"]

_FACTS: dict[str, Callable[[EvalResult], Any]] = {
    "parameters": lambda result: result.checkpoint.parameters,
    "FLOPs per example": lambda result: result.checkpoint.flops,
    "preprocessing": lambda result: _preprocessing(result.checkpoint.preprocessing),
    "precision": lambda result: result.precision,
    "training data": lambda result: result.checkpoint.training.get("data"),
    "recipe": lambda result: result.checkpoint.training.get("recipe"),
    "learning rate": lambda result: result.checkpoint.training.get("learning_rate"),
    "steps": lambda result: result.checkpoint.training.get("steps"),
    "examples seen": lambda result: result.checkpoint.training.get("examples"),
}


def manifest(
    candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[ManifestRow, ...]:
    """Return the facts of both sides; files of one side that differ are listed."""
    return tuple(
        _row(name, [fact(r) for r in candidates], [fact(r) for r in baselines])
        for name, fact in _FACTS.items()
    )


def mismatches(rows: Sequence[ManifestRow]) -> list[str]:
    """Return one sentence per row that is known to be unequal."""
    return [
        f"the two differ in {row.name}: {row.candidate} against {row.baseline}"
        for row in rows
        if row.equal is False
    ]


def _row(name: str, candidate: Sequence[Any], baseline: Sequence[Any]) -> ManifestRow:
    texts = [sorted({_text(fact) for fact in side}) for side in (candidate, baseline)]
    unknown = any(fact in (None, {}, "") for fact in (*candidate, *baseline))
    left, right = (" / ".join(side) for side in texts)
    return ManifestRow(name, left, right, equal=None if unknown else left == right)


def _preprocessing(facts: Mapping[str, Any]) -> str:
    """Return ``size 32, channels 3, mean .49 .48 .45``, every fact that changes pixels."""
    return ", ".join(f"{name} {_plain(value)}" for name, value in sorted(facts.items()))


def _plain(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value)
    return str(value)


def _text(fact: Any) -> str:
    if fact in (None, {}, ""):
        return "unknown"
    if isinstance(fact, int) and not isinstance(fact, bool):
        return f"{fact:,}"
    return fact if isinstance(fact, str) else json.dumps(fact, sort_keys=True, default=str)
