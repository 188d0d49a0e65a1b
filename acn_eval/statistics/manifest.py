"""What a reader must know of a comparison: whether the pair is fair, and what limits it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from acn_eval.results import EvalResult
from acn_eval.statistics.analysis import Endpoint
from acn_eval.statistics.comparison import ManifestRow
from acn_eval.statistics.pixels import other_pixels

__all__ = ["PIXELS", "caveats", "facts_of", "manifest"]

PIXELS = "pixels"
"""The row of the fair pair that is there where networks are not shown the same noisy pixels."""

_FEW_EXAMPLES = 30

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
    rows = tuple(
        _row(name, [fact(r) for r in candidates], [fact(r) for r in baselines])
        for name, fact in _FACTS.items()
    )
    shown = other_pixels(candidates[0], baselines[0])
    return (*rows, ManifestRow(PIXELS, *shown, equal=False)) if shown else rows


def facts_of(results: Sequence[EvalResult]) -> dict[str, str]:
    """Return the same facts of one side, as text by name."""
    return {name: _texts([fact(r) for r in results]) for name, fact in _FACTS.items()}


def caveats(
    files: tuple[int, int], data: str, n: int, words: Endpoint, rows: Sequence[ManifestRow]
) -> list[str]:
    """Return one sentence per limit of what was measured, and per row that is unequal."""
    found = []
    if min(files) < words.least:
        found.append(_about_files(files, words))
    if n < _FEW_EXAMPLES:
        found.append(f"{n} examples are too few: every limit is rough")
    if data.startswith("digits"):
        found.append("the digits come from few writers; results may not generalize to new writers")
    return found + [
        f"the two differ in {row.name}: {row.candidate} against {row.baseline}"
        for row in rows
        if row.equal is False
    ]


def _about_files(files: tuple[int, int], words: Endpoint) -> str:
    what = "training seed" if words.replicate == "seed" else words.replicate
    if files == (1, 1):
        return f"one {what} per side says nothing about the architectures, only about these files"
    return (
        f"{files[0]} and {files[1]} {what}s say nothing about the architectures: the files of a"
        f" side are averaged and taken as given; {words.least} {what}s per side are needed"
    )


def _row(name: str, candidate: Sequence[Any], baseline: Sequence[Any]) -> ManifestRow:
    unknown = any(fact in (None, {}, "") for fact in (*candidate, *baseline))
    left, right = _texts(candidate), _texts(baseline)
    return ManifestRow(name, left, right, equal=None if unknown else left == right)


def _texts(facts: Sequence[Any]) -> str:
    return " / ".join(sorted({_text(fact) for fact in facts}))


def _preprocessing(facts: Mapping[str, Any]) -> str:
    """Return ``size 32, channels 3, mean .49 .48 .45``."""
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
