"""Keeps what a gate measured: on disk, in MLflow, and in its model registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acn_eval.errors import AcnEvalError, ConfigError
from acn_eval.gate import Verdict
from acn_eval.results import EvalResult
from acn_eval.tracking import Recorder, Registry, Version, model_name

__all__ = ["Record", "keep", "promote"]


@dataclass(frozen=True)
class Record:
    """What was kept, in words, and what went wrong after the verdict was known.

    Attributes:
        version: of the registered model, where one was asked for.
        failure: the verdict is said before it is raised.
    """

    lines: tuple[str, ...] = ()
    version: Version | None = None
    failure: AcnEvalError | OSError | None = None


def keep(
    options: Mapping[str, Any],
    verdict: Verdict,
    results: Mapping[str, EvalResult],
    recorder: Recorder | None,
) -> Record:
    """Save results by key; record those that are complete, and the verdict on the candidate's run.

    One that was stopped early stays on disk: intervals of MLflow's pages would be wrong for it.
    """
    try:
        folders = {key: result.save(options["out"]) for key, result in results.items()}
    except OSError as failure:
        return Record(failure=failure)
    said: tuple[str, ...] = (f"results: {options['out']}",)
    if recorder is None:
        return Record(said)
    if verdict.early:
        return Record((*said, "not recorded in MLflow: stopped early"))
    try:
        complete = [EvalResult.load(folder) for folder in folders.values()]
        recorded = recorder.record(complete, artifacts=folders)
        registry, run = Registry(recorder.store), recorded.runs[verdict.candidate.key]
        registry.tag_run(run, _tags(options, verdict))
        said += (f"in MLflow: {recorder.store.shown}, run {run}",)
        if not options["register"]:
            return Record(said)
        version = registry.register(options["register"], results[verdict.candidate.key], run)
        registry.tag_version(version, _tags(options, verdict))
        return Record((*said, f"registered: {version.address}"), version)
    except (AcnEvalError, OSError) as failure:
        return Record(said, failure=failure)


def promote(
    options: Mapping[str, Any],
    registry: Registry,
    version: Version,
    judge: Callable[[str], Verdict],
) -> tuple[Verdict, str]:
    """Move the alias if the candidate also passes against the frozen anchor of its model.

    Args:
        options: of the command line.
        registry: of the model.
        version: the candidate's.
        judge: the candidate against an address.

    Returns:
        The verdict against the anchor, and what happened in words.

    Raises:
        ConfigError: the model has no anchor and none is given.
    """
    anchor = options["anchor"] or registry.anchor(version.name)
    if not anchor:
        msg = f"--promote: {version.name} must have an anchor; it has none"
        raise ConfigError(f"{msg}. Name a frozen version or file once, with --anchor.")
    if registry.anchor(version.name) is None:
        anchor = _frozen(registry, anchor)
        registry.drop_anchor(version.name, anchor)
    verdict = judge(anchor)
    if verdict.verdict != "pass":
        return verdict, f"not promoted: against the anchor {anchor}, {verdict.sentence}"
    registry.promote(version, options["promote"])
    return verdict, f"promoted: models:/{version.name}@{options['promote']} is {version.address}"


def _frozen(registry: Registry, uri: str) -> str:
    """An address that nothing moves: the version of an alias, the whole path of a file."""
    if model_name(uri):
        return registry.version(uri).address
    return str(Path(uri).absolute()) if Path(uri).is_file() else uri


def _tags(options: Mapping[str, Any], verdict: Verdict) -> dict[str, str]:
    return {
        "acn_eval.gate": verdict.verdict,
        "acn_eval.gate_name": verdict.gate,
        "acn_eval.gate_baseline": str(options["baseline"]),
        "acn_eval.gate_overrides": ", ".join(verdict.overrides) or "none",
    }
