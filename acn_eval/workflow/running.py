"""Measures, compares, saves and records what the options of a run state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from acn_eval import evaluation
from acn_eval.cache import default_store
from acn_eval.checkpoints import load
from acn_eval.engine.start import engine_of
from acn_eval.errors import ConfigError
from acn_eval.figures import draw_missing, draw_rankings
from acn_eval.inference import Runtime, resolve_device
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.statistics import Comparison
from acn_eval.statistics.comparison import comparison_key, save_comparison
from acn_eval.statistics.metrics import metric_of
from acn_eval.statistics.ranking import Ranking, ranking_key, save_ranking
from acn_eval.studies import compare as paired
from acn_eval.studies.read import read_suite
from acn_eval.study.run import Study
from acn_eval.study.run import run as measured
from acn_eval.study.suite import Suite
from acn_eval.tally import Progress, quietly
from acn_eval.tracking.record import Recorded, Recorder
from acn_eval.tracking.record import record as record_all
from acn_eval.workflow.sides import Sides, resolve

__all__ = [
    "Done",
    "Group",
    "ask",
    "compare",
    "count_examples",
    "evaluate",
    "record",
    "run",
    "runtime_of",
    "save",
    "suite_of",
    "with_suite",
]


@dataclass(frozen=True)
class Group:
    """Results of both sides of one question, and what was made of them.

    Attributes:
        comparison: of the two sides, once there is one.
        networks: the results of each of several networks, which are ranked instead.
        ranking: of the networks, once there is one.
    """

    candidates: list[EvalResult]
    baselines: list[EvalResult]
    comparison: Comparison | None = None
    networks: Sequence[Sequence[EvalResult]] = ()
    ranking: Ranking | None = None

    @property
    def results(self) -> list[EvalResult]:
        """Those of the candidates, then those of the baselines."""
        return [*self.candidates, *self.baselines]


@dataclass(frozen=True)
class Done:
    """What was measured and compared, with the folders that hold it, by key."""

    groups: list[Group]
    folders: Mapping[str, Path]

    @property
    def results(self) -> list[EvalResult]:
        """The results of all groups."""
        return [result for group in self.groups for result in group.results]

    @property
    def comparisons(self) -> list[Comparison]:
        """The comparisons of all groups that have one."""
        return [group.comparison for group in self.groups if group.comparison is not None]

    @property
    def rankings(self) -> list[Ranking]:
        """The rankings of all groups that have one."""
        return [group.ranking for group in self.groups if group.ranking is not None]


def run(options: RunOptions, progress: Progress = quietly) -> Done:
    """Evaluate, compare, save, and record unless the options say otherwise.

    Raises:
        AcnEvalError: see `resolve` and `evaluate`; a `TrackingError` comes after everything has
            been saved.
    """
    groups = evaluate(options, progress=progress)
    done = save(map(partial(compare, metric=options.metric), groups), options.out)
    if options.track:
        record(done, options)
    return done


def evaluate(
    options: RunOptions, sides: Sides | None = None, progress: Progress = quietly
) -> list[Group]:
    """Measure both sides in one pass over the same examples, or train what the suite names.

    The sides are by default those of `resolve`.

    Raises:
        AcnEvalError: of `resolve`, of the metric, of the data, or of the measurement.
    """
    suite = suite_of(options)
    if options.metric and metric_of(options.metric).losses and not suite.has_losses:
        what = f"`metric`: must not need losses of the labels, which {suite.name} does not store"
        raise ConfigError(f"{what}; got {options.metric}", "metric")
    sides = sides or resolve(options)
    runtime = runtime_of(options)
    asked = ask(options, sides, runtime)
    groups = asked.groups(len(sides.candidates))  # may refuse them, before anything is measured
    with runtime.engine:
        results = measured(asked, runtime, progress)
    found = [Group(results[ours], results[theirs]) for ours, theirs in groups]
    ranked = sides.several and suite.ranks
    return [_networked(group, options) for group in found] if ranked else found


def ask(options: RunOptions, sides: Sides, runtime: Runtime | None = None) -> Study[Suite]:
    """Return the study that `evaluate` measures.

    Raises:
        ConfigError: the suite needs checkpoints and there are none, or the other way round.
    """
    return evaluation.ask(
        [*sides.candidates, *sides.baselines],
        suite_of(options),
        options.data,
        seed=options.seed or 0,
        runtime=runtime or runtime_of(options),
    )


def compare(group: Group, *, metric: str | None = None) -> Group:
    """Return the group with its ranking, or with the comparison of its sides if it has two."""
    if group.networks:
        theirs = {result.key for result in group.baselines}
        entries = paired.labelled(group.networks)
        named = [label for label, own in entries.items() if own[0].key in theirs]
        return replace(group, ranking=paired.rank(entries, metric=metric, baselines=named))
    if not group.baselines:
        return group
    found = paired.compare(group.candidates, group.baselines, metric=metric)
    return replace(group, comparison=found)


def save(groups: Iterable[Group], out: Path) -> Done:
    """Write everything and its figures below `out`, unless it is there already."""
    folders: dict[str, Path] = {}
    kept = []
    for group in groups:
        folders |= {result.key: result.save(out) for result in group.results}
        # A result that was saved before keeps its time of creation: MLflow knows it already.
        ours, theirs = _reloaded(group.candidates, folders), _reloaded(group.baselines, folders)
        kept.append(replace(group, candidates=ours, baselines=theirs))
        if group.comparison is not None:
            folders[comparison_key(group.comparison)] = save_comparison(group.comparison, out)
        if group.ranking is not None:
            folders[ranking_key(group.ranking)] = save_ranking(group.ranking, out)
    done = Done(kept, folders)
    draw_missing(done.results, done.comparisons, folders)
    draw_rankings(done.rankings, folders)
    return done


def record(done: Done, options: RunOptions, recorder: Recorder | None = None) -> Recorded:
    """Record in MLflow what was saved, with a recorder or in the store of the options.

    Raises:
        TrackingError: the store cannot be written.
    """
    compared: list[Comparison | Ranking] = [*done.comparisons, *done.rankings]
    if recorder is not None:
        return recorder.record(done.results, compared, artifacts=done.folders)
    return record_all(
        done.results,
        compared,
        tracking_uri=options.tracking_uri,
        cwd=Path.cwd(),
        artifacts=done.folders,
    )


def suite_of(options: RunOptions, kind: str | None = None) -> Suite:
    """Return the suite with the changes of the options; one given by name must be of the kind.

    Raises:
        ConfigError: no such suite, another kind, or a field that must be something else.
    """
    suite = options.suite
    suite = read_suite(suite, kind) if isinstance(suite, str) else suite
    if not options.changes:
        return suite
    try:
        return type(suite).model_validate({**suite.model_dump(), **options.changes})
    except ValidationError as exc:
        raise ConfigError(f"suite {suite.name}: {exc}") from exc


def with_suite(options: RunOptions, kind: str) -> RunOptions:
    """Return the options with their suite read; see `suite_of`."""
    return replace(options, suite=suite_of(options, kind), changes={})


def runtime_of(options: RunOptions) -> Runtime:
    """Return device, batch size, precision, cache and engine.

    Raises:
        ConfigError: the device or the cache cannot be used, or there is no such engine.
    """
    store = replace(default_store(), readable=options.cache)
    device, threads = resolve_device(options.device), options.engine.fixed_threads
    terms = device, options.batch_size, options.precision, store, threads
    return Runtime(*terms, engine_of(options.engine, device))


def count_examples(options: RunOptions) -> int:
    """Return the number of examples that a run with these options would show.

    Raises:
        AcnEvalError: no data is named, or they are not there.
    """
    store = options.tracking_uri
    checkpoints = [load(u, options.arch, tracking_uri=store) for u in options.candidates]
    return len(evaluation.choose(checkpoints, options.data))


def _networked(group: Group, options: RunOptions) -> Group:
    """Tell the networks of each side apart."""
    sides = (group.candidates, group.baselines)
    each = [own for side in sides for own in paired.networks(side, group=options.group)]
    return replace(group, networks=each)


def _reloaded(results: Sequence[EvalResult], folders: Mapping[str, Path]) -> list[EvalResult]:
    return [EvalResult.load(folders[result.key]) for result in results]
