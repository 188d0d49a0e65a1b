"""Compares two networks, or two architectures, on the same images."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import EvalResult
from acn_eval.statistics.analysis import Analysis, Endpoint
from acn_eval.statistics.caveats import caveats
from acn_eval.statistics.claims import Evidence, Sample, claim, identical, no_claim
from acn_eval.statistics.comparison import Accuracy, Claim, Comparison, Finding, Row, Side
from acn_eval.statistics.design import ARCHITECTURES, Design, Pair
from acn_eval.statistics.equivalence import CONFIDENCE, Equivalence
from acn_eval.statistics.finding_claims import finding_claim, trade_claim
from acn_eval.statistics.logits import logit_difference
from acn_eval.statistics.manifest import manifest, mismatches
from acn_eval.statistics.pairing import (
    Outcomes,
    join,
    require_complete,
    require_one_architecture,
    require_same_question,
)
from acn_eval.statistics.ratio import error_ratio
from acn_eval.statistics.rows import Tables, estimate
from acn_eval.statistics.soundness import differing, plain

__all__ = ["compare", "summarize"]


def compare(
    candidates: Sequence[EvalResult], baselines: Sequence[EvalResult], analysis: Analysis
) -> Comparison:
    """Compare candidates with baselines, one result per training seed on each side.

    With fewer than three files on a side the files are given and the images are the sample
    (score method); with three or more on both, seeds and images are both samples.

    Raises:
        ConfigError: different images, noise or suite, or a side that is not one architecture.
    """
    require_one_architecture("candidate", candidates)
    require_one_architecture("baseline", baselines)
    require_complete([*candidates, *baselines])
    require_same_question([*candidates, *baselines])
    outcomes = join([*candidates, *baselines], analysis)
    words = _endpoint(candidates[0], outcomes, analysis)
    design = _design(candidates, baselines, words, analysis)
    data = candidates[0].data
    tables = Tables(design, 1 / len(data.classes), analysis.metric)
    pairs = _pairs(outcomes, files=len(candidates))
    weights = words.weights(outcomes.conditions, outcomes.primary)
    end_point = _weighted(pairs, weights)
    primary = tables.end_point(words.name, end_point)
    quantity = analysis.metric.quantity
    evidence = replace(_evidence(design, outcomes, pairs, end_point, words), quantity=quantity)
    ratio = error_ratio(design, end_point) if words.scales else None
    undefined = words.scales and ratio is None
    fairness = manifest(candidates, baselines)
    findings = words.findings(design, candidates, baselines)
    rows = tables.rows(outcomes.names, outcomes.conditions, pairs)
    seeds = min(len(candidates), len(baselines)) if design.unit == ARCHITECTURES else 0
    sample = Sample(primary.n, seeds, words.replicate)
    sides = (_arm(candidates, words), _arm(baselines, words))
    said = _claim(candidates, baselines, primary, evidence, (words, sample))
    return Comparison(
        candidate=sides[0],
        baseline=sides[1],
        suite=str(candidates[0].suite["name"]),
        data=f"{data.name} {data.split}",
        unit=design.unit,
        n=primary.n,
        rows=rows,
        primary=primary,
        claim=_decided(said, (sides[0].label, sides[1].label), findings, (words, sample), rows),
        ratio=ratio,
        manifest=fairness,
        warnings=(
            *caveats((len(candidates), len(baselines)), data.name, primary, words),
            *(["mean corruption error is undefined: too few baseline errors"] * undefined),
            *mismatches(fairness),
            *outcomes.warnings,
        ),
        paired_seeds=design.twins is not None,
        findings=findings,
        replicate=words.replicate,
        quantity=quantity,
    )


def summarize(results: Sequence[EvalResult], analysis: Analysis) -> tuple[Accuracy, ...]:
    """Return the accuracy under every condition, and last the primary end point.

    Raises:
        ConfigError: results of different questions or architectures, or stopped early.
    """
    require_one_architecture("results", results)
    require_complete(results)
    require_same_question(results)
    outcomes = join(results, analysis)
    words = _endpoint(results[0], outcomes, analysis)
    design = _design(results, results, words, analysis)
    tables = Tables(design, 1 / len(results[0].data.classes), analysis.metric)
    each = [
        tables.accuracy(name, condition, outcomes.values[:, i])
        for i, (name, condition) in enumerate(
            zip(outcomes.names, outcomes.conditions, strict=True)
        )
    ]
    weights = words.weights(outcomes.conditions, outcomes.primary)
    primary = np.einsum("c,fcn->fn", weights, outcomes.values)
    return (*each, tables.accuracy(words.name, {}, primary))


def _design(
    candidates: Sequence[EvalResult],
    baselines: Sequence[EvalResult],
    words: Endpoint,
    analysis: Analysis,
) -> Design:
    left, right = ([r.checkpoint for r in side] for side in (candidates, baselines))
    design = Design.of(left, right, least=words.least)
    return replace(design, scored=analysis.metric.quantity.scored)


def _pairs(outcomes: Outcomes, files: int) -> list[Pair]:
    by_condition = outcomes.values.transpose(1, 0, 2)
    return [Pair(values[:files], values[files:]) for values in by_condition]


def _weighted(pairs: Sequence[Pair], weights: NDArray[np.float64]) -> Pair:
    """Average conditions within the image: the end point has one value per image and file."""
    return Pair(
        np.tensordot(weights, [pair.candidate for pair in pairs], axes=1),
        np.tensordot(weights, [pair.baseline for pair in pairs], axes=1),
    )


def _endpoint(result: EvalResult, outcomes: Outcomes, analysis: Analysis) -> Endpoint:
    own = [c for c, yes in zip(outcomes.conditions, outcomes.primary, strict=True) if yes]
    return analysis.endpoint_of(result.suite, own)


def _evidence(
    design: Design, outcomes: Outcomes, pairs: Sequence[Pair], end_point: Pair, words: Endpoint
) -> Evidence:
    effect = design.difference(end_point)
    corrupted, limits = estimate(effect), effect.interval(CONFIDENCE)
    equal = Equivalence(words.margin, *limits) if words.margin is not None else None
    if not words.scales:
        return Evidence(corrupted, scales=False, equivalence=equal)
    first = words.reference.items()
    clean = [p for p, c in zip(pairs, outcomes.conditions, strict=True) if first <= c.items()]
    if not clean:
        return Evidence(corrupted, equivalence=equal)
    drop = design.difference(end_point - clean[0], support=(-2.0, 2.0))
    logit = logit_difference(design, end_point, clean[0])
    return Evidence(
        corrupted,
        estimate(drop),
        estimate(logit),
        clean=(float(clean[0].candidate.mean()), float(clean[0].baseline.mean())),
        disturbed=words.disturbed,
        undisturbed=words.undisturbed,
        equivalence=equal,
    )


def _claim(
    candidates: Sequence[EvalResult],
    baselines: Sequence[EvalResult],
    primary: Row,
    evidence: Evidence,
    judged: tuple[Endpoint, Sample],
) -> Claim:
    words, sample = judged
    left, right = _arm(candidates, words).label, _arm(baselines, words).label
    if _identical(candidates, baselines):
        return identical(left, right)
    seeds = (len(candidates), len(baselines))
    if min(seeds) < words.least and not (words.alone and max(seeds) == 1):
        return no_claim((left, right), seeds, primary, evidence, words)
    return claim((left, right), primary, evidence, words, sample)


def _decided(
    said: Claim,
    pair: tuple[str, str],
    findings: Sequence[Finding],
    judged: tuple[Endpoint, Sample],
    rows: Sequence[Row],
) -> Claim:
    """Let a finding decide where that is what the suite asks for, and where it is there."""
    found = {finding.name: finding for finding in findings}
    words, sample = judged[0], replace(judged[1], examples=0)
    decisive = words.decisive
    if decisive is None or decisive.name not in found or said.verdict in {"identical", "none"}:
        return said
    first = found[decisive.name]
    if decisive.beside:
        return trade_claim(pair, first, found[decisive.beside], words, sample)
    last = (decisive.whole or {}).items()
    whole = [row.difference for row in rows if last and last <= row.condition.items()]
    return finding_claim(pair, first, words, whole[0] if whole else None, sample)


def _identical(candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]) -> bool:
    """Whether both sides are the same networks, with the same outcomes."""
    ours, theirs = _networks(candidates), _networks(baselines)
    return ours.keys() == theirs.keys() and not any(
        differing(result, theirs[network]) for network, result in ours.items()
    )


def _networks(results: Sequence[EvalResult]) -> dict[str, EvalResult]:
    """Results by a text that names weights, architecture and preprocessing."""
    return {
        json.dumps([c.sha256, plain(c.arch), plain(c.preprocessing)], sort_keys=True): result
        for c, result in ((result.checkpoint, result) for result in results)
    }


def _arm(results: Sequence[EvalResult], words: Endpoint) -> Side:
    first, many = results[0].checkpoint.name, len(results)
    shared = first.partition(f" {words.replicate} ")[0]  # of "acn draw 3"
    return Side(
        label=first if many == 1 else f"{shared} ({many} {words.replicate}s)",
        keys=tuple(result.key for result in results),
        seeds=tuple(result.checkpoint.training.get("seed") for result in results),
    )
