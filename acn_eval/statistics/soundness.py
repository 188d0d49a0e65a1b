"""Refuses outcomes that contradict themselves, or each other."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.cells import CORRECT, NUMBER, UNKNOWN, Cell, Scalar
from acn_eval.errors import ConfigError
from acn_eval.results import CheckpointId, EvalResult

__all__ = [
    "Key",
    "by_condition",
    "condition_key",
    "differing",
    "ids_of",
    "labels_of",
    "network_of",
    "plain",
    "require_sound",
    "same_network",
]

Key = tuple[tuple[str, Scalar], ...]


def require_sound(results: Sequence[EvalResult], *, fits: bool) -> None:
    """Refuse impossible outcomes, and results of one study that cannot be true together.

    All results that know the label or the target of an example must know the same, and an outcome
    is right where the predicted class is the label. Where a study `fits` or trains something, the
    outcomes of one file may differ.

    Raises:
        ConfigError: names the file and what is wrong.
    """
    for result in results:
        cells = _answers(result)
        for cell in cells:
            _require_outcomes(result, cell)
        if len(by_condition(result)) < len(cells):
            name = result.checkpoint.name
            raise ConfigError(f"{name}: conditions must differ; one is there twice")
    _require_one_label(results)
    _require_one_target(results)
    for one, other in () if fits else combinations(results, 2):
        _require_one_answer(one, other)


def by_condition(result: EvalResult) -> dict[Key, Cell]:
    """Return the cells of answers, classes or numbers, by condition."""
    return {condition_key(cell.condition): cell for cell in _answers(result)}


def condition_key(condition: Mapping[str, Scalar]) -> Key:
    """Return a condition as a key: the order of its fields does not count."""
    return tuple(sorted(condition.items()))


def network_of(checkpoint: CheckpointId) -> str:
    """Return a text that names weights, architecture and preprocessing."""
    facts = [checkpoint.sha256, plain(checkpoint.arch), plain(checkpoint.preprocessing)]
    return json.dumps(facts, sort_keys=True)


def same_network(left: CheckpointId, right: CheckpointId) -> bool:
    """Whether two files are one network: weights, architecture and preprocessing."""
    return network_of(left) == network_of(right)


def differing(one: EvalResult, other: EvalResult) -> int:
    """Count the outcomes on shared conditions and examples in which two results differ."""
    left, right, count = by_condition(one), by_condition(other), 0
    for key in left.keys() & right.keys():
        _, ours, theirs = np.intersect1d(left[key].ids, right[key].ids, return_indices=True)
        count += int(np.sum(left[key].values[ours] != right[key].values[theirs]))
    return count


def _answers(result: EvalResult) -> list[Cell]:
    return [cell for cell in result.cells if cell.measure in (CORRECT, NUMBER)]


def _require_outcomes(result: EvalResult, cell: Cell) -> None:
    n, classes, values = len(cell.ids), len(result.data.classes), cell.values
    named = [part for part in (cell.predicted, cell.labels) if part is not None]
    numbers = [] if cell.targets is None else [cell.targets]
    wrong = {
        "ids must be different numbers": not np.diff(np.sort(cell.ids)).all(),
        "outcomes must be one per example": not all(
            len(p) == n for p in (values, *named, *numbers)
        ),
        "outcomes must be numbers from 0 to 1": cell.measure == CORRECT
        and not np.all((values >= 0) & (values <= 1)),
        "predicted classes and labels must be classes of the data, or -1": not all(
            np.all((p >= -1) & (p < classes)) for p in named
        ),
    }
    for what, is_so in wrong.items():
        if is_so:
            where = ", ".join(f"{name} {value}" for name, value in cell.condition.items())
            raise ConfigError(f"{result.checkpoint.name}: {what}; under {where} some are not")


def ids_of(cells: Iterable[Cell]) -> list[NDArray[np.int64]]:
    """Return the ids of cells, once where they have the same: most cells do."""
    return [*{cell.ids.tobytes(): cell.ids for cell in cells}.values()]


def labels_of(results: Sequence[EvalResult]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all ids (n,), ascending, and their labels; `UNKNOWN` where no result has one."""
    cells = [cell for result in results for cell in _answers(result)]
    ids = np.unique(np.concatenate(ids_of(cells)))
    labels = np.full(len(ids), UNKNOWN, dtype=np.int64)
    for cell in cells:
        if cell.labels is not None:
            known = cell.labels != UNKNOWN
            labels[np.searchsorted(ids, cell.ids[known])] = cell.labels[known]
    return ids, labels


def _require_one_label(results: Sequence[EvalResult]) -> None:
    cells = [(result, cell) for result in results for cell in _answers(result)]
    if not cells:
        return
    ids, labels = labels_of(results)
    for result, cell in cells:
        label = labels[np.searchsorted(ids, cell.ids)]
        clash, got = np.zeros(len(label), dtype=np.bool_), "another label"
        if cell.labels is not None:
            clash |= (cell.labels != UNKNOWN) & (cell.labels != label)
        if cell.predicted is not None and (label != UNKNOWN).any():
            right = (cell.predicted == label) & (label != UNKNOWN)
            clash |= np.where(right, cell.values == 0, cell.values == 1)
        if clash.any():
            at = int(np.argmax(clash))
            if cell.predicted is not None:
                said = "right" if cell.values[at] == 1 else "wrong"
                got = f"class {cell.predicted[at]} said to be {said}"
            msg = f"{result.checkpoint.name}: outcomes must agree on the label of every example"
            where = f"example {cell.ids[at]}, whose label is {label[at]} elsewhere"
            raise ConfigError(f"{msg}; got {got} on {where}. Evaluate both alike.")


def _require_one_target(results: Sequence[EvalResult]) -> None:
    cells = [(result, cell) for result in results for cell in _answers(result)]
    ids = np.unique(np.concatenate(ids_of(cell for _, cell in cells))) if cells else np.empty(0)
    known = np.full(len(ids), np.nan)
    for result, cell in cells:
        if cell.targets is None:
            continue
        at = np.searchsorted(ids, cell.ids)
        clash = ~np.isnan(known[at]) & (known[at] != cell.targets)
        if clash.any():
            first = int(np.argmax(clash))
            msg = f"{result.checkpoint.name}: target of example {cell.ids[first]} must be"
            expected = f"{known[at][first]:g}, as elsewhere; got {cell.targets[first]:g}"
            raise ConfigError(f"{msg} {expected}. Evaluate both alike.")
        known[at] = cell.targets


def _require_one_answer(one: EvalResult, other: EvalResult) -> None:
    """One network, measured alike, has one outcome per example."""
    left, right = (
        [r.seed, r.precision, r.device, plain(r.versions), plain(r.suite)] for r in (one, other)
    )
    if left != right or not same_network(one.checkpoint, other.checkpoint):
        return
    if count := differing(one, other):
        msg = f"{other.checkpoint.name}: outcomes must be those of {one.checkpoint.name}, which"
        why = f"has the same weights (sha256) and was measured alike; got {count} others"
        raise ConfigError(f"{msg} {why}. Evaluate both anew.")


def plain(config: Mapping[str, Any]) -> Any:
    """Return a config as it is after JSON: tuples and lists are alike."""
    return json.loads(json.dumps(config, default=dict))
