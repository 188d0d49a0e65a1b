"""Saves what a gate measured, and records it in MLflow and its model registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from acn_eval.errors import AcnEvalError, ConfigError
from acn_eval.gate import Verdict
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.stores import model_name
from acn_eval.tracking.record import Recorder
from acn_eval.tracking.registry import Registry, Version

__all__ = ["Kept", "Promotion", "keep", "promote"]


@dataclass(frozen=True)
class Promotion:
    """What a verdict does in the model registry.

    Attributes:
        model: registered model of which the candidate becomes a version; None registers nothing.
        alias: that moves to this version on PASS; None moves none.
        anchor: address against which a promotion must pass, too; None takes the model's own.
    """

    model: str | None = None
    alias: str | None = None
    anchor: str | None = None


@dataclass(frozen=True)
class Kept:
    """What was saved, in words and by key, and how far that went.

    Attributes:
        version: that was registered.
        failure: on the way.
        folders: of the results, by their keys.
        runs: ids in MLflow, by the same keys.
    """

    lines: tuple[str, ...] = ()
    version: Version | None = None
    failure: AcnEvalError | OSError | None = None
    folders: Mapping[str, Path] = field(default_factory=dict)
    runs: Mapping[str, str] = field(default_factory=dict)


def keep(
    verdict: Verdict,
    results: Mapping[str, EvalResult],
    options: RunOptions,
    promotion: Promotion,
    recorder: Recorder | None,
) -> Kept:
    """Save results by key; record complete ones, and the verdict on the candidate's run.

    A run that was stopped early is not recorded: MLflow's pages would show wrong intervals.
    """
    try:
        folders = {key: result.save(options.out) for key, result in results.items()}
    except OSError as failure:
        return Kept(failure=failure)
    said: tuple[str, ...] = (f"results: {options.out}",)
    if recorder is None:
        return Kept(said, folders=folders)
    if verdict.early:
        return Kept((*said, "not recorded in MLflow: stopped early"), folders=folders)
    runs: Mapping[str, str] = {}
    try:
        complete = [EvalResult.load(folder) for folder in folders.values()]
        recorded = recorder.record(complete, artifacts=folders)
        runs = recorded.runs
        registry, run = Registry(recorder.store), runs[verdict.candidate.key]
        tags = _tags(verdict, options)
        registry.tag_run(run, tags)
        said += (f"in MLflow: {recorder.store.shown}, run {run}",)
        if not promotion.model:
            return Kept(said, folders=folders, runs=runs)
        version = registry.register(promotion.model, results[verdict.candidate.key], run)
        registry.tag_version(version, tags)
        said += (f"registered: {version.address}",)
        return Kept(said, version, folders=folders, runs=runs)
    except (AcnEvalError, OSError) as failure:
        return Kept(said, failure=failure, folders=folders, runs=runs)


def promote(
    promotion: Promotion,
    registry: Registry,
    version: Version,
    judge: Callable[[str], Verdict],
) -> tuple[Verdict, str]:
    """Move the alias if the candidate also passes against the frozen anchor of its model.

    Args:
        promotion: names the alias, and the anchor where the model has none.
        registry: of the model.
        version: of the candidate.
        judge: from an address to the verdict of the candidate against it.

    Returns:
        The verdict against the anchor, and a line about the promotion.

    Raises:
        ConfigError: the model has no anchor and none is given.
    """
    anchor = promotion.anchor or registry.anchor(version.name)
    if not anchor:
        msg = f"`promote`: {version.name} must have an anchor; it has none"
        remedy = "Name a frozen version or file once, as `anchor`."
        raise ConfigError(f"{msg}. {remedy}", "promote", "anchor")
    if registry.anchor(version.name) is None:
        anchor = _frozen(registry, anchor)
        registry.drop_anchor(version.name, anchor)
    verdict = judge(anchor)
    if verdict.verdict != "pass":
        return verdict, f"not promoted: against the anchor {anchor}, {verdict.sentence}"
    alias = str(promotion.alias)
    registry.promote(version, alias)
    return verdict, f"promoted: models:/{version.name}@{alias} is {version.address}"


def _frozen(registry: Registry, uri: str) -> str:
    """An address that nothing moves: the version of an alias, the whole path of a file."""
    if model_name(uri):
        return registry.version(uri).address
    return str(Path(uri).absolute()) if Path(uri).is_file() else uri


def _tags(verdict: Verdict, options: RunOptions) -> dict[str, str]:
    return {
        "acn_eval.gate": verdict.verdict,
        "acn_eval.gate_name": verdict.gate,
        "acn_eval.gate_baseline": ", ".join(options.baselines or ()),
        "acn_eval.gate_overrides": ", ".join(verdict.overrides) or "none",
    }
