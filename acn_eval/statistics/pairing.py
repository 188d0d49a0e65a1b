"""Joins results on (condition, image id), and refuses those that answer different questions."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.errors import ConfigError
from acn_eval.results import Cell, EvalResult, Scalar, Skip
from acn_eval.statistics.comparison import names_of
from acn_eval.statistics.endpoints import end_point_of

__all__ = [
    "Outcomes",
    "join",
    "plain",
    "require_complete",
    "require_one_architecture",
    "require_same_question",
]

_READ = {"correct", "loss"}  # losses are compared among the findings of a suite
_Key = tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True)
class Outcomes:
    """What every file did on the images and conditions that all of them share.

    Attributes:
        conditions: without ``repeat``, clean first.
        names: one per condition, distinct.
        primary: which conditions make the primary end point.
        ids: int64 (images,), ascending.
        values: (files, conditions, images), averaged over repeats within the image.
        absent: conditions that some file has or skipped and not every file has, and why.
        warnings: what was left out, in words.
    """

    conditions: tuple[dict[str, Scalar], ...]
    names: tuple[str, ...]
    primary: tuple[bool, ...]
    ids: NDArray[np.int64]
    values: NDArray[np.float64]
    absent: tuple[Skip, ...]
    warnings: tuple[str, ...]


def require_complete(results: Sequence[EvalResult]) -> None:
    """Refuse a result that was stopped early: how many images it has depends on their outcomes.

    Limits that assume a fixed number of images would be wrong most of the time.

    Raises:
        ConfigError: names the file.
    """
    for result in results:
        if "stopped_early" in result.details:
            msg = (
                f"{result.checkpoint.name}: result must be of all images that were planned;"
                f" got one that was stopped after {result.data.n}. Evaluate it without"
                " --sequential."
            )
            raise ConfigError(msg)


def require_same_question(results: Sequence[EvalResult]) -> None:
    """Refuse results whose images, noise or suite differ: their images cannot be paired.

    Raises:
        ConfigError: names the field and both values.
    """
    first = results[0]
    for other in results[1:]:
        for what, expected, got in _questions(first, other):
            if expected != got:
                msg = (
                    f"{other.checkpoint.name}: {what} must be that of {first.checkpoint.name},"
                    f" {_short(expected)}; got {_short(got)}. Evaluate both alike."
                )
                raise ConfigError(msg)


def require_one_architecture(side: str, results: Sequence[EvalResult]) -> None:
    """Refuse a side that is empty, counts one file twice, or mixes architectures.

    Raises:
        ConfigError: one of these.
    """
    if not results:
        msg = f"{side}: results must be one or more; got none"
        raise ConfigError(msg)
    files = {result.checkpoint.sha256: result.checkpoint.name for result in results}
    if len(files) < len(results):
        msg = f"{side}: files must differ (one per training seed); got one of them twice"
        raise ConfigError(msg)
    first = results[0].checkpoint
    for other in results[1:]:
        if plain(other.checkpoint.arch) != plain(first.arch):
            msg = (
                f"{side}: files must be seeds of one architecture; got {first.name} and"
                f" {other.checkpoint.name}, which differ. Compare them as two sides."
            )
            raise ConfigError(msg)


def join(results: Sequence[EvalResult]) -> Outcomes:
    """Return the outcomes (files, conditions, images) that all results share.

    Draws are matched by their whole condition, ``repeat`` included, and images by id; repeats
    are then averaged within the image, because they are not images of their own.

    Raises:
        ConfigError: no condition, or fewer than two images, are shared.
    """
    tables = [_by_condition(result) for result in results]
    shared = [key for key in tables[0] if all(key in table for table in tables)]
    if not shared:
        msg = "compare: results must share a condition measured as `correct`; got none in common"
        raise ConfigError(msg)
    cells = [table[key] for table in tables for key in shared]
    ids = reduce(np.intersect1d, (cell.ids for cell in cells))
    if ids.size < 2:  # one image has no spread
        msg = f"compare: results must share two images or more; got {ids.size} ids in common"
        raise ConfigError(msg)
    groups = _groups(shared)
    conditions = tuple(dict(group) for group in groups)
    values = [[_mean(table, keys, ids) for keys in groups.values()] for table in tables]
    absent = _absent(results, set(shared))
    label = end_point_of(results[0].suite).label
    return Outcomes(
        conditions=conditions,
        names=names_of(conditions, label),
        primary=_primary(tables, groups),
        ids=ids,
        values=np.array(values),
        absent=absent,
        warnings=(
            *_not_compared(absent, label),
            *_other_measures(results),
            *_lost_images(cells, len(ids)),
        ),
    )


def plain(config: Mapping[str, Any]) -> Any:
    """Return a config as it is after JSON: tuples and lists are alike."""
    return json.loads(json.dumps(config, default=dict))


def _questions(first: EvalResult, other: EvalResult) -> Iterable[tuple[str, Any, Any]]:
    yield "data fingerprint", first.data.fingerprint, other.data.fingerprint
    yield "suite config", plain(first.suite), plain(other.suite)
    yield "noise version", first.noise_version, other.noise_version
    yield "noise seed", first.seed, other.seed
    yield "noise digest", first.noise_digest, other.noise_digest


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("name", "another one"))
    return str(value)[:16]


def _key(condition: Mapping[str, Scalar], *, repeat: bool) -> _Key:
    return tuple(sorted((k, v) for k, v in condition.items() if repeat or k != "repeat"))


def _by_condition(result: EvalResult) -> dict[_Key, Cell]:
    return {_key(c.condition, repeat=True): c for c in result.cells if c.measure == "correct"}


def _groups(keys: Iterable[_Key]) -> dict[_Key, list[_Key]]:
    """Draws of each condition, the undisturbed one first, else in the suite's order."""
    groups: dict[_Key, list[_Key]] = {}
    for key in sorted(keys, key=lambda key: ("corruption", "clean") not in key):
        groups.setdefault(_key(dict(key), repeat=False), []).append(key)
    return groups


def _mean(
    table: Mapping[_Key, Cell], keys: Sequence[_Key], ids: NDArray[np.int64]
) -> NDArray[np.float64]:
    return np.asarray(np.mean([_values_of(table[key], ids) for key in keys], axis=0))


def _values_of(cell: Cell, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    order = np.argsort(cell.ids)
    found = np.searchsorted(cell.ids[order], ids)
    return np.asarray(cell.values[order][found], dtype=np.float64)


def _primary(
    tables: Sequence[Mapping[_Key, Cell]], groups: Mapping[_Key, list[_Key]]
) -> tuple[bool, ...]:
    """A network without exits counts its last one: what counts for one side counts for both."""
    marked = tuple(
        any(table[key].primary for table in tables for key in keys) for keys in groups.values()
    )
    # A suite without a primary end point is summarised by all that it measured.
    return marked if any(marked) else tuple(True for _ in marked)


def _absent(results: Sequence[EvalResult], shared: set[_Key]) -> tuple[Skip, ...]:
    left: dict[_Key, Mapping[str, Scalar]] = {}
    for result in results:
        seen = [cell.condition for cell in result.cells]
        for condition in [*seen, *(skip.condition for skip in result.skipped)]:
            key = _key(condition, repeat=True)
            if key not in shared:
                left.setdefault(key, condition)
    return tuple(Skip(condition, _absence(results, key)) for key, condition in left.items())


def _not_compared(
    absent: Sequence[Skip], label: Callable[[Mapping[str, Scalar]], str]
) -> Iterable[str]:
    """One line per reason: a network without exits lacks a whole map of conditions."""
    for reason in dict.fromkeys(skip.reason for skip in absent):
        names = [label(skip.condition) for skip in absent if skip.reason == reason]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{', '.join(names[:3])}{more}: not compared; {reason}"


def _other_measures(results: Sequence[EvalResult]) -> list[str]:
    measures = {cell.measure for result in results for cell in result.cells} - _READ
    return [f"{measure}: not compared; only `correct` is" for measure in sorted(measures)]


def _absence(results: Sequence[EvalResult], key: _Key) -> str:
    parts = []
    for result in results:
        if key in _by_condition(result):
            continue
        reasons = [s.reason for s in result.skipped if _key(s.condition, repeat=True) == key]
        parts.append(f"{result.checkpoint.name}: {reasons[0] if reasons else 'not measured'}")
    return "; ".join(parts)


def _lost_images(cells: Sequence[Cell], kept: int) -> list[str]:
    lost = max(len(cell.ids) for cell in cells) - kept
    if not lost:
        return []
    return [f"{lost} images are left out: some file or condition does not have them"]
