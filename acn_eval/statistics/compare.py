"""Compares two networks, or two architectures, on the same images."""

import json
from collections.abc import Sequence

import numpy as np

from acn_eval.results import EvalResult, Scalar
from acn_eval.statistics.architectures import MIN_SEEDS
from acn_eval.statistics.cautions import cautions
from acn_eval.statistics.claims import Evidence, claim, identical, no_claim
from acn_eval.statistics.comparison import Accuracy, Arm, Claim, Comparison, Row
from acn_eval.statistics.design import Design, Pair
from acn_eval.statistics.logits import logit_difference
from acn_eval.statistics.manifest import manifest, mismatches
from acn_eval.statistics.pairing import (
    Outcomes,
    join,
    plain,
    require_one_architecture,
    require_same_question,
)
from acn_eval.statistics.ratio import error_ratio
from acn_eval.statistics.rows import Tables, estimate

__all__ = ["compare", "summarise"]


def compare(candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]) -> Comparison:
    """Compare candidates with baselines, one result per training seed on each side.

    With fewer than three files on a side the files are given and the images are the sample
    (score method); with three or more on both, seeds and images are both samples.

    Raises:
        ConfigError: different images, noise or suite, or a side that is not one architecture.
    """
    require_one_architecture("candidate", candidates)
    require_one_architecture("baseline", baselines)
    require_same_question([*candidates, *baselines])
    design = Design.of([r.checkpoint for r in candidates], [r.checkpoint for r in baselines])
    outcomes = join([*candidates, *baselines])
    tables = Tables(design, chance=1 / len(candidates[0].data.classes))
    pairs = _pairs(outcomes, files=len(candidates))
    end_point = _mean([pair for pair, own in zip(pairs, outcomes.primary, strict=True) if own])
    primary = tables.end_point(_primary_name(outcomes), end_point)
    evidence = _evidence(design, outcomes, pairs, end_point)
    ratio = error_ratio(design, end_point)
    fairness = manifest(candidates, baselines)
    return Comparison(
        candidate=_arm(candidates),
        baseline=_arm(baselines),
        suite=str(candidates[0].suite["name"]),
        data=f"{candidates[0].data.name} {candidates[0].data.split}",
        unit=design.unit,
        n=primary.n,
        rows=tables.rows(outcomes.names, outcomes.conditions, pairs),
        primary=primary,
        claim=_claim(candidates, baselines, primary, evidence),
        ratio=ratio,
        manifest=fairness,
        warnings=(
            *cautions((len(candidates), len(baselines)), candidates[0].data.name, primary),
            *(["mean corruption error is undefined: too few baseline errors"] * (ratio is None)),
            *mismatches(fairness),
            *outcomes.warnings,
        ),
        paired_seeds=design.twins is not None,
    )


def summarise(results: Sequence[EvalResult]) -> tuple[Accuracy, ...]:
    """Return the accuracy under every condition, and last the primary end point.

    Raises:
        ConfigError: results of different questions or architectures.
    """
    require_one_architecture("results", results)
    require_same_question(results)
    checkpoints = [result.checkpoint for result in results]
    outcomes = join(results)
    tables = Tables(Design.of(checkpoints, checkpoints), 1 / len(results[0].data.classes))
    each = [
        tables.accuracy(name, condition, outcomes.values[:, i])
        for i, (name, condition) in enumerate(
            zip(outcomes.names, outcomes.conditions, strict=True)
        )
    ]
    primary = outcomes.values[:, list(outcomes.primary)].mean(axis=1)
    return (*each, tables.accuracy(_primary_name(outcomes), {}, primary))


def _pairs(outcomes: Outcomes, files: int) -> list[Pair]:
    by_condition = outcomes.values.transpose(1, 0, 2)
    return [Pair(values[:files], values[files:]) for values in by_condition]


def _mean(pairs: Sequence[Pair]) -> Pair:
    """Average conditions within the image: the end point has one value per image and file."""
    return Pair(
        np.mean([pair.candidate for pair in pairs], axis=0),
        np.mean([pair.baseline for pair in pairs], axis=0),
    )


def _is_clean(condition: dict[str, Scalar]) -> bool:
    return condition.get("corruption") == "clean"


def _primary_name(outcomes: Outcomes) -> str:
    own = [c for c, yes in zip(outcomes.conditions, outcomes.primary, strict=True) if yes]
    return "mean of all conditions" if any(map(_is_clean, own)) else "mean corrupted"


def _evidence(
    design: Design, outcomes: Outcomes, pairs: Sequence[Pair], end_point: Pair
) -> Evidence:
    corrupted = estimate(design.difference(end_point))
    clean = [p for p, c in zip(pairs, outcomes.conditions, strict=True) if _is_clean(c)]
    if not clean:
        return Evidence(corrupted, drop=None, logit=None)
    drop = design.difference(end_point - clean[0], support=(-2.0, 2.0))
    logit = logit_difference(design, end_point, clean[0])
    return Evidence(corrupted, estimate(drop), estimate(logit))


def _claim(
    candidates: Sequence[EvalResult],
    baselines: Sequence[EvalResult],
    primary: Row,
    evidence: Evidence,
) -> Claim:
    left, right = _arm(candidates).label, _arm(baselines).label
    if _networks(candidates) == _networks(baselines):
        return identical(left, right)
    seeds = (len(candidates), len(baselines))
    subject = f"{left} against {right}"
    if max(seeds) > 1 and min(seeds) < MIN_SEEDS:
        return no_claim(subject, seeds, primary, evidence)
    return claim(subject, primary, evidence)


def _networks(results: Sequence[EvalResult]) -> set[str]:
    """One text per file that names weights, architecture and preprocessing."""
    return {
        json.dumps([c.sha256, plain(c.arch), plain(c.preprocessing)], sort_keys=True)
        for c in (result.checkpoint for result in results)
    }


def _arm(results: Sequence[EvalResult]) -> Arm:
    names = [result.checkpoint.name for result in results]
    return Arm(
        label=names[0] if len(names) == 1 else f"{names[0]} ({len(names)} seeds)",
        keys=tuple(result.key for result in results),
        seeds=tuple(result.checkpoint.training.get("seed") for result in results),
    )
