"""What `acn-eval gate` does between its options and its words, where checkpoints are run."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from acn_eval.checkpoints import Checkpoint, load
from acn_eval.cli.gate_record import keep, promote
from acn_eval.errors import AcnEvalError, CheckpointError, ConfigError
from acn_eval.evaluation import Blocks, evaluate, evaluate_blocks
from acn_eval.gate import (
    BLOCK,
    Gate,
    Verdict,
    decide,
    order_names,
    read_gate,
    same_network,
)
from acn_eval.gate.blocks import until_decided
from acn_eval.results import EvalResult
from acn_eval.studies.read import read_suite
from acn_eval.terminal.job import runtime_of, selection_of
from acn_eval.terminal.options import of_gate
from acn_eval.terminal.progress import bar
from acn_eval.tracking import Recorder, Registry, in_mlflow, model_name, resolve_store

__all__ = ["Gated", "Side", "run", "side_of"]

Side = Checkpoint | EvalResult
"""A network that will be run, or the stored result of one that was."""


@dataclass(frozen=True)
class Gated:
    """A verdict, what else there is to say, and what went wrong after it was known."""

    verdict: Verdict
    lines: tuple[str, ...] = ()
    failure: AcnEvalError | OSError | None = None


@dataclass(frozen=True)
class _Measured:
    verdict: Verdict
    candidate: EvalResult
    baseline: EvalResult
    stored: bool = False

    @property
    def results(self) -> dict[str, EvalResult]:
        """What was measured here, by key."""
        sides = (self.candidate,) if self.stored else (self.candidate, self.baseline)
        return {result.key: result for result in sides}


def run(options: Mapping[str, Any], recorder: Recorder | None) -> Gated:
    """Run what is not stored, judge, keep and record it, and move an alias that may move."""
    gate = read_gate(options["gate"])
    options = of_gate(options, gate)
    candidate = load(options["ckpt"], options["arch"])
    found = _against(options, gate, candidate, options["baseline"])
    record = keep(options, found.verdict, found.results, recorder)
    gated = Gated(found.verdict, record.lines, record.failure)
    if not (options["promote"] and record.version and found.verdict.verdict == "pass"):
        return gated
    registry = Registry(resolve_store(options["tracking_uri"], cwd=Path.cwd()))

    def judge(anchor: str) -> Verdict:
        return _against(options, gate, candidate, anchor).verdict

    try:
        verdict, line = promote(options, registry, record.version, judge)
    except AcnEvalError as failure:
        return replace(gated, failure=failure)
    # What was asked for is the promotion: a verdict that forbids it is the verdict.
    return replace(
        gated,
        verdict=found.verdict if verdict.verdict == "pass" else verdict,
        lines=(*gated.lines, line),
    )


def _against(options: Mapping[str, Any], gate: Gate, candidate: Checkpoint, uri: str) -> _Measured:
    """Judge the candidate against what an address points to."""
    arch = options["baseline_arch"] if uri == options["baseline"] else None
    baseline = side_of(options, uri, arch)
    if isinstance(baseline, EvalResult):
        if options["sequential"]:
            msg = f"{uri}: must be a checkpoint where --sequential shows images to both sides"
            raise ConfigError(f"{msg}; got a stored result.")
        (result,) = _run(options, gate, [candidate])
        return _Measured(decide(gate, result, baseline), result, baseline, stored=True)
    if same_network(candidate.id, baseline.id):
        (result,) = _run(options, gate, [candidate])
        return _Measured(decide(gate, result, result), result, result)
    if options["sequential"]:
        return _stopped(options, gate, (candidate, baseline))
    ours, theirs = _run(options, gate, [candidate, baseline])
    return _Measured(decide(gate, ours, theirs), ours, theirs)


def _stopped(
    options: Mapping[str, Any], gate: Gate, pair: tuple[Checkpoint, Checkpoint]
) -> _Measured:
    """Show block after block; the precision must not depend on how long that takes."""
    suite, runtime = read_suite(gate.suite), runtime_of(options)
    if not suite.by_blocks:
        msg = f"--sequential: suite must judge each image by itself; got {suite.kind}"
        raise ConfigError(f"{msg}, which chooses, times or trains on whole splits.")
    if runtime.precision == "auto":
        runtime = replace(runtime, precision="fp32")
    order = order_names(pair[0].id, pair[1].id, suite.name)
    blocks = evaluate_blocks(
        pair,
        suite,
        selection_of(options),
        Blocks(BLOCK, order),
        seed=options["seed"],
        runtime=runtime,
    )
    with bar("showing", "images") as progress:
        stopped = until_decided(gate, blocks, progress)
    return _Measured(stopped.verdict, stopped.candidate, stopped.baseline)


def side_of(options: Mapping[str, Any], uri: str, arch: str | None = None) -> Side:
    """Return what an address points to: a file, a registered model, or a recorded run.

    Raises:
        CheckpointError: there is none, or it is not readable.
        ConfigError: MLflow does not know it.
    """
    if not in_mlflow(uri):
        return load(uri, arch)
    registry = Registry(resolve_store(options["tracking_uri"], cwd=Path.cwd()))
    if model_name(uri) is None:
        return _stored(registry, uri)
    version = registry.version(uri)
    checkpoint = _unchanged(version.uri, version.sha256)
    if checkpoint is not None:
        return checkpoint
    if not version.run:
        msg = f"{uri}: must point to a checkpoint file or to an arm run; the file {version.uri!r}"
        raise ConfigError(f"{msg} is not there or has changed, and no run is recorded.")
    return _stored(registry, f"runs:/{version.run}")


def _unchanged(uri: str, sha256: str) -> Checkpoint | None:
    """The checkpoint that was registered; None if its file has gone or has other weights."""
    if not uri:
        return None
    try:
        checkpoint = load(uri)
    except CheckpointError:
        return None
    return checkpoint if checkpoint.id.sha256 == sha256 else None


def _stored(registry: Registry, uri: str) -> EvalResult:
    with tempfile.TemporaryDirectory() as folder:
        return registry.result(uri, Path(folder))


def _run(
    options: Mapping[str, Any], gate: Gate, checkpoints: Sequence[Checkpoint]
) -> list[EvalResult]:
    with bar("evaluating", "images") as progress:
        return evaluate(
            checkpoints,
            read_suite(gate.suite),
            selection_of(options),
            seed=options["seed"],
            runtime=runtime_of(options),
            progress=progress,
        )
