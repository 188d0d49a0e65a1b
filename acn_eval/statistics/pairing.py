"""Joins results on (condition, example id), and refuses those that answer different questions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.cells import CORRECT, NUMBER, Cell, Scalar
from acn_eval.errors import ConfigError
from acn_eval.results import EvalResult, Skip
from acn_eval.statistics.analysis import Analysis, Asked, Endpoint
from acn_eval.statistics.comparison import names_of
from acn_eval.statistics.design import Pair
from acn_eval.statistics.influence import Measured, Undefined
from acn_eval.statistics.metrics import Answers, Metric
from acn_eval.statistics.pixels import other_pixels
from acn_eval.statistics.score import Support
from acn_eval.statistics.soundness import (
    Key,
    by_condition,
    condition_key,
    ids_of,
    labels_of,
    plain,
    require_sound,
)

__all__ = [
    "Outcomes",
    "join",
    "require_complete",
    "require_one_architecture",
    "require_same_question",
]

_READ = {CORRECT, NUMBER, "loss"}  # losses are compared among the findings of a suite
_OWN = {
    *("mean", "std", "moments", "class_order"),
    *("crop_pct", "crop_mode", "interpolation", "fill", "rounding"),
    *("vocabulary", "pieces", "lowercase", "tokens"),
}
"""Of preprocessing, what is a network's own: where its pixels must be those of the others, the
noise digest says whether they are; how it counts classes that mean the same; and how it reads
sentences, which are corrupted before."""
_SHAPES = {"size", "channels"}
"""Of preprocessing, what decides what corruptions do."""


@dataclass(frozen=True)
class Outcomes:
    """What every file did on the examples and conditions that all of them share.

    Attributes:
        analysis: of the study, with the metric.
        endpoint: the primary endpoint of the suite.
        conditions: without ``repeat``, clean first.
        names: one per condition, distinct.
        primary: which conditions count in the endpoint.
        ids: int64 (examples,), ascending.
        values: (files, conditions, examples) of the metric, averaged over repeats within the
            example; their mean is the metric.
        supports, flags: of every condition, as in `influence.Measured`.
        absent: conditions that the suite names, or some file has or skipped, and not every file
            has, or in which the metric is undefined; and why.
        warnings: what was left out, in words.
    """

    analysis: Analysis
    endpoint: Endpoint
    conditions: tuple[dict[str, Scalar], ...]
    names: tuple[str, ...]
    primary: tuple[bool, ...]
    ids: NDArray[np.int64]
    values: NDArray[np.float64]
    supports: tuple[Support | None, ...]
    flags: tuple[tuple[str, ...], ...]
    absent: tuple[Skip, ...]
    warnings: tuple[str, ...]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weight of every condition in the endpoint (conditions,); they add up to 1."""
        return self.endpoint.weights(self.conditions, self.primary)

    def pairs(self, candidates: int) -> list[Pair]:
        """Return every condition, the first so many files against the others."""
        values = self.values.swapaxes(0, 1)
        each = zip(values, self.supports, self.flags, strict=True)
        return [Pair(v[:candidates], v[candidates:], ends, flags) for v, ends, flags in each]


def require_complete(results: Sequence[EvalResult]) -> None:
    """Refuse a result that was stopped early: how many examples it has depends on their outcomes.

    Limits that assume a fixed number of examples would be wrong most of the time.

    Raises:
        ConfigError: names the file.
    """
    for result in results:
        if "stopped_early" in result.details:
            msg = f"{result.checkpoint.name}: result must be of all examples that were planned;"
            got = f"got one that was stopped after {result.data.n}"
            raise ConfigError(f"{msg} {got}. Evaluate it without `sequential`.", "sequential")


def require_same_question(results: Sequence[EvalResult], *, same_pixels: bool = True) -> None:
    """Refuse results whose outcomes mean different things: their examples cannot be paired.

    Networks may differ in weights, architecture, training and preparation of their input; results
    in precision, device and versions, which a comparison shows. Data, suite, noise, and the map
    from classes of the data to those of a network make the question; so does the size of inputs
    that are corrupted, unless the suite fixes one for all. Facts of the preprocessing that are
    not known here are taken for a part of the question.

    Args:
        results: of any number of networks.
        same_pixels: whether networks must be shown the same noisy pixels; where they need not,
            `pixels.other_pixels` has what must be said.

    Raises:
        ConfigError: names the field and both values.
    """
    first = results[0]
    for other in results[1:]:
        pixels = same_pixels or other_pixels(first, other) is None
        for what, expected, got in _questions(first, other, pixels=pixels):
            if expected != got:
                msg = f"{other.checkpoint.name}: {what} must be that of {first.checkpoint.name}"
                shown, found = _short(expected, got), _short(got, expected)
                raise ConfigError(f"{msg}, {shown}; got {found}. Evaluate both alike.")


def require_one_architecture(side: str, results: Sequence[EvalResult]) -> None:
    """Refuse a side that is empty, counts one file twice, or mixes architectures.

    Raises:
        ConfigError: one of these.
    """
    if not results:
        raise ConfigError(f"{side}: results must be one or more; got none")
    files = {result.checkpoint.sha256: result.checkpoint.name for result in results}
    if len(files) < len(results):
        msg = f"{side}: files must differ (one per training seed); got one of them twice"
        raise ConfigError(msg)
    first = results[0].checkpoint
    for other in (result.checkpoint for result in results[1:]):
        if plain(other.arch) != plain(first.arch):
            msg = f"{side}: files must be seeds of one architecture; got {first.name} and"
            raise ConfigError(f"{msg} {other.name}, which differ. Compare them as two sides.")


def join(results: Sequence[EvalResult], analysis: Analysis) -> Outcomes:
    """Return the outcomes (files, conditions, examples) that all results share.

    Draws are matched by their whole condition, ``repeat`` included, and examples by id; repeats
    are then averaged within the example, because they are not examples of their own.

    Raises:
        ConfigError: no condition, or fewer than two examples, are shared; or outcomes that are
            none or cannot be true together.
    """
    require_sound(results, fits=analysis.fits)
    tables = [by_condition(result) for result in results]
    shared = [key for key in tables[0] if all(key in table for table in tables)]
    if not shared:
        msg = "compare: results must share a condition measured as `correct`; got none in common"
        raise ConfigError(msg)
    cells = [table[key] for table in tables for key in shared]
    ids = reduce(partial(np.intersect1d, assume_unique=True), map(np.sort, ids_of(cells)))
    if ids.size < 2:  # one example has no spread
        msg = f"compare: results must share two examples or more; got {ids.size} ids in common"
        raise ConfigError(msg)
    _require_one_endpoint(results, tables)
    groups = _groups(shared)
    everything, labels = labels_of(results)
    examples = ids, labels[np.searchsorted(everything, ids)]
    values, undefined = _values(tables, groups, examples, analysis)
    groups = {group: keys for group, keys in groups.items() if group in values}
    conditions = tuple(dict(group) for group in groups)
    absent = (*_absent(results, shared), *undefined)
    absent += _unanswered(analysis.asked_by(results[0].suite), shared, absent)
    primary = _primary(tables, groups)
    measures = {cell.measure for result in results for cell in result.cells} - _READ
    lost = max(len(cell.ids) for cell in cells) - len(ids)
    some = f"{lost} examples are left out: some file or condition does not have them"
    return Outcomes(
        analysis=analysis,
        endpoint=analysis.endpoint_of(results[0].suite, list(compress(conditions, primary))),
        conditions=conditions,
        names=names_of(conditions, analysis.label),
        primary=primary,
        ids=ids,
        values=np.array([own.values for own in values.values()]).swapaxes(0, 1),
        supports=tuple(own.support for own in values.values()),
        flags=tuple(own.flags for own in values.values()),
        absent=absent,
        warnings=(
            *_not_compared(absent, analysis.label),
            *(f"{measure}: not compared; only `correct` is" for measure in sorted(measures)),
            *([some] if lost else []),
            *_positive(results[0], analysis.metric),
        ),
    )


def _questions(
    first: EvalResult, other: EvalResult, *, pixels: bool
) -> Iterable[tuple[str, Any, Any]]:
    yield "data fingerprint", first.data.fingerprint, other.data.fingerprint
    yield "split", first.data.split, other.data.split
    yield "classes", first.data.classes, other.data.classes
    yield "number of examples", first.data.n, other.data.n
    yield "suite config", plain(first.suite), plain(other.suite)
    yield "noise version", first.noise_version, other.noise_version
    yield "noise seed", first.seed, other.seed
    left, right = (plain(result.checkpoint.preprocessing) for result in (first, other))
    for name in sorted((left.keys() | right.keys()) - _harmless(first, pixels=pixels)):
        yield f"preprocessing, {name}", left.get(name) or None, right.get(name) or None
    if pixels:
        yield "noise digest", first.noise_digest, other.noise_digest


def _harmless(result: EvalResult, *, pixels: bool) -> set[str]:
    """Return the facts of the preprocessing in which two networks may differ."""
    if not (pixels and result.noise_digest):
        return _OWN | _SHAPES
    noise = result.suite.get("noise") or result.suite
    fixed = isinstance(noise, Mapping) and noise.get("image_size")
    return _OWN | ({"size"} if fixed else set())


def _short(value: Any, other: Any) -> str:
    """Say a value, of a config its name and what the other one has otherwise."""
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        own = [f"{k} {v}"[:40] for k, v in value.items() if k != "name" and other.get(k) != v]
        return ", ".join([str(value.get("name", "another one")), *own[:2]])
    return str(value)[:40]


def _groups(keys: Iterable[Key]) -> dict[Key, list[Key]]:
    """Draws of each condition, the clean one first, else in the suite's order."""
    groups: dict[Key, list[Key]] = {}
    for key in sorted(keys, key=lambda key: ("corruption", "clean") not in key):
        one = tuple((name, value) for name, value in key if name != "repeat")
        groups.setdefault(one, []).append(key)
    return groups


def _values(
    tables: Sequence[Mapping[Key, Cell]],
    groups: Mapping[Key, list[Key]],
    examples: tuple[NDArray[np.int64], NDArray[np.int64]],
    analysis: Analysis,
) -> tuple[dict[Key, Measured], list[Skip]]:
    """Return values (files, examples) of every condition, and those that have none and why.

    Raises:
        ConfigError: one that counts in the endpoint has none: the endpoint is undefined, too.
    """
    values, undefined, of = {}, [], analysis.metric.of
    for group, keys in groups.items():
        try:
            draws = [[of(Answers.of(table[key], *examples)) for key in keys] for table in tables]
            values[group] = Measured.over_draws(draws)
        except Undefined as why:
            what = f"{analysis.metric.quantity.name} is undefined, because {why}"
            if any(table[key].primary for table in tables for key in keys) or len(groups) == 1:
                where = analysis.label(dict(group))
                raise ConfigError(f"compare: {what} (condition {where})") from why
            undefined.append(Skip(dict(group), what))
    if not values:
        raise ConfigError(f"compare: {undefined[0].reason}")
    return values, undefined


def _positive(result: EvalResult, metric: Metric) -> Iterable[str]:
    """Say which class a metric of one class is about."""
    classes, number = result.data.classes, metric.positive
    if number is not None and number < len(classes):
        yield f"{metric.quantity.name}: the positive class is {classes[number]}"


def _primary(
    tables: Sequence[Mapping[Key, Cell]], groups: Mapping[Key, list[Key]]
) -> tuple[bool, ...]:
    """A network without exits counts its last one: what counts for one side counts for both."""
    marked = tuple(
        any(table[key].primary for table in tables for key in keys) for keys in groups.values()
    )
    # A suite without a primary endpoint is summarized by all that it measured.
    return marked if any(marked) else (True,) * len(marked)


def _require_one_endpoint(
    results: Sequence[EvalResult], tables: Sequence[Mapping[Key, Cell]]
) -> None:
    """Refuse sides that count other conditions, unless one lacks what the other counts."""
    counted = [{key for key, cell in table.items() if cell.primary} for table in tables]
    for result, table, own in zip(results, tables, counted, strict=True):
        if own != counted[0] and own <= tables[0].keys() and counted[0] <= table.keys():
            names = (results[0].checkpoint.name, result.checkpoint.name)
            msg = f"{names[1]}: primary endpoint must be that of {names[0]}"
            raise ConfigError(f"{msg}; got others. Evaluate both alike.")


def _unanswered(
    asked: Iterable[Asked], shared: Sequence[Key], absent: Sequence[Skip]
) -> tuple[Skip, ...]:
    """Conditions that the suite names and no result has, nor says that it skipped."""
    there, known = [dict(key) for key in shared], [skip.condition for skip in absent]
    return tuple(
        Skip(own.condition, "the suite names it, and no result has it")
        for own in asked
        if not own.found(there) and not own.missed(known)
    )


def _absent(results: Sequence[EvalResult], shared: Sequence[Key]) -> tuple[Skip, ...]:
    known: dict[Key, Mapping[str, Scalar]] = {}
    for r in results:
        for condition in (*(c.condition for c in r.cells), *(s.condition for s in r.skipped)):
            known.setdefault(condition_key(condition), condition)
    own = set(shared)
    return tuple(Skip(c, _absence(results, key)) for key, c in known.items() if key not in own)


def _not_compared(
    absent: Sequence[Skip], label: Callable[[Mapping[str, Scalar]], str]
) -> Iterable[str]:
    """One line per reason: a network without exits lacks a whole map of conditions."""
    for reason in dict.fromkeys(skip.reason for skip in absent):
        names = [label(skip.condition) for skip in absent if skip.reason == reason]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"{', '.join(names[:3])}{more}: not compared; {reason}"


def _absence(results: Sequence[EvalResult], key: Key) -> str:
    """Say of each result that lacks a condition why it does."""
    parts = []
    for result in results:
        if key not in by_condition(result):
            reasons = [s.reason for s in result.skipped if condition_key(s.condition) == key]
            parts.append(f"{result.checkpoint.name}: {(*reasons, 'not measured')[0]}")
    return "; ".join(parts)
