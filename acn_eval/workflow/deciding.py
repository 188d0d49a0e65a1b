"""Judges a candidate against a baseline by a gate, and saves, records and promotes it."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from acn_eval import evaluation
from acn_eval.checkpoints import Checkpoint, load, load_file
from acn_eval.errors import AcnEvalError, CheckpointError, ConfigError
from acn_eval.gate import Gate, Verdict, look, read_gate, same_network
from acn_eval.gate import decide as judge
from acn_eval.gate.sentence import sentence
from acn_eval.gate.verdict import Network
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.stores import is_run, model_name, resolve_store
from acn_eval.tally import Progress, quietly
from acn_eval.tracking import Recorder, Registry
from acn_eval.workflow.blocks import in_blocks
from acn_eval.workflow.promoting import Kept, Promotion, keep, promote
from acn_eval.workflow.running import runtime_of, suite_of

__all__ = ["Decided", "decide", "of_gate"]

Side = Checkpoint | EvalResult


@dataclass(frozen=True)
class Decided:
    """A verdict, and what became of the results that were measured for it.

    Attributes:
        lines: to print.
        failure: that occurred after the verdict was known.
        folders: of the results, by their keys.
        runs: ids in MLflow, by the same keys.
    """

    verdict: Verdict
    lines: tuple[str, ...] = ()
    failure: AcnEvalError | OSError | None = None
    folders: Mapping[str, Path] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Case:
    """A candidate that a gate judges; the options have the gate's seed and limit."""

    gate: Gate
    options: RunOptions
    candidate: Checkpoint
    sequential: bool
    progress: Progress


def decide(
    gate: str | Gate,
    options: RunOptions,
    promotion: Promotion | None = None,
    *,
    sequential: bool = False,
    recorder: Recorder | None = None,
    progress: Progress = quietly,
) -> Decided:
    """Measure what is not stored, judge it, save and record it, and promote it on PASS.

    Args:
        gate: name of a shipped gate, path of a YAML, or a gate; it names the suite.
        options: one candidate and one baseline, which may be ``models:/NAME@ALIAS`` or
            ``runs:/ID``; seed and limit are the gate's where they are None.
        promotion: the registered model that gets a version, and the alias that moves on PASS.
        sequential: show 256 examples at a time, and stop as soon as there is a verdict.
        recorder: of an MLflow store; None records nothing.
        progress: called with (work done, in all).

    Raises:
        AcnEvalError: a side cannot be read or measured. Later errors are returned with the
            verdict.
    """
    gate = read_gate(gate) if isinstance(gate, str) else gate
    promotion = promotion or Promotion()
    options = of_gate(options, gate)
    address = _only("candidates", options.candidates)
    candidate = load(address, options.arch, tracking_uri=options.tracking_uri)
    case = _Case(gate, options, candidate, sequential, progress)
    verdict, *measured = _against(case, _only("baselines", options.baselines or ()))
    kept = keep(verdict, {r.key: r for r in measured}, options, promotion, recorder)
    return _promoted(case, promotion, verdict, kept)


def of_gate(options: RunOptions, gate: Gate) -> RunOptions:
    """Return the options with the gate's suite, and its seed and limit where they have none."""
    data = options.data
    limit = gate.limit if data.limit is None else data.limit
    seed = gate.seed if options.seed is None else options.seed
    return replace(options, suite=gate.suite, seed=seed, data=replace(data, limit=limit))


def _only(side: str, uris: Sequence[str]) -> str:
    if len(uris) != 1:
        raise ConfigError(f"`{side}`: must be one address for a gate; got {len(uris)}", side)
    return uris[0]


def _promoted(case: _Case, promotion: Promotion, verdict: Verdict, kept: Kept) -> Decided:
    decided = Decided(verdict, kept.lines, kept.failure, kept.folders, kept.runs)
    if not (promotion.alias and kept.version and verdict.verdict == "pass"):
        return decided
    try:
        registry = _registry(case.options)
        again, line = promote(
            promotion, registry, kept.version, lambda anchor: _against(case, anchor)[0]
        )
    except AcnEvalError as failure:
        return replace(decided, failure=failure)
    # The promotion was requested: a verdict that forbids it is the verdict.
    final = verdict if again.verdict == "pass" else again
    return replace(decided, verdict=final, lines=(*kept.lines, line))


def _against(case: _Case, uri: str) -> tuple[Verdict, *tuple[EvalResult, ...]]:
    """Return the verdict, and the results that were measured for it."""
    named = uri in (case.options.baselines or ())
    baseline = _side(case.options, uri, case.options.baseline_arch if named else None)
    if isinstance(baseline, EvalResult):
        if case.sequential:
            msg = f"{uri}: must be a checkpoint where `sequential` shows images to both sides"
            raise ConfigError(f"{msg}; got a stored result.", "sequential")
        (result,) = _run(case, [case.candidate])
        return judge(case.gate, result, baseline), result
    if same_network(case.candidate.id, baseline.id):
        (result,) = _run(case, [case.candidate])
        verdict = judge(case.gate, result, result)
        verdict = replace(verdict, baseline=replace(verdict.baseline, name=baseline.id.name))
        said = sentence(verdict) if verdict.identical else verdict.sentence
        return replace(verdict, sentence=said), result
    if case.sequential:
        return _stopped(case, baseline)
    ours, theirs = _run(case, [case.candidate, baseline])
    return judge(case.gate, ours, theirs), ours, theirs


def _stopped(case: _Case, baseline: Checkpoint) -> tuple[Verdict, EvalResult, EvalResult]:
    pair = case.candidate, baseline
    stopped = in_blocks(case.options, pair, partial(look, case.gate), case.progress)
    ours, theirs = stopped.candidate, stopped.baseline
    named = replace(stopped.verdict, candidate=Network.of(ours), baseline=Network.of(theirs))
    return named, ours, theirs


def _run(case: _Case, checkpoints: Sequence[Checkpoint]) -> list[EvalResult]:
    runtime = runtime_of(case.options)
    with runtime.engine:
        return evaluation.evaluate(
            checkpoints,
            suite_of(case.options),
            case.options.data,
            seed=case.options.seed or 0,
            runtime=runtime,
            progress=case.progress,
        )


def _side(options: RunOptions, uri: str, arch: str | None) -> Side:
    """Return what an address points to: a checkpoint, a registered model, or a recorded run."""
    registry, store = _registry(options), options.tracking_uri
    if is_run(uri):
        return _stored(registry, uri)
    if model_name(uri) is None or not (version := registry.version(uri)).measured:
        return load(uri, arch, tracking_uri=store)
    if checkpoint := _unchanged(version.uri, version.sha256):
        return checkpoint
    if not version.run:
        msg = f"{uri}: must point to a checkpoint file or to an arm run; the file {version.uri!r}"
        raise ConfigError(f"{msg} is not there or has changed, and no run is recorded.")
    return _stored(registry, f"runs:/{version.run}")


def _registry(options: RunOptions) -> Registry:
    return Registry(resolve_store(options.tracking_uri, cwd=Path.cwd()))


def _unchanged(uri: str, sha256: str) -> Checkpoint | None:
    """The registered checkpoint; None if its file is missing or has other weights."""
    with suppress(CheckpointError):
        checkpoint = load_file(uri) if uri else None
        return checkpoint if checkpoint and checkpoint.id.sha256 == sha256 else None
    return None


def _stored(registry: Registry, uri: str) -> EvalResult:
    with tempfile.TemporaryDirectory() as folder:
        return registry.result(uri, Path(folder))
