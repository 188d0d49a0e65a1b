"""Compares two networks, or two architectures, on the same examples."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from acn_eval.results import EvalResult
from acn_eval.statistics.analysis import Analysis
from acn_eval.statistics.claims import (
    Case,
    Evidence,
    Sample,
    claim,
    finding_claim,
    identical,
    no_claim,
    trade_claim,
)
from acn_eval.statistics.comparison import Accuracy, Claim, Comparison, Finding, Row, Side
from acn_eval.statistics.design import ARCHITECTURES, Design, Pair
from acn_eval.statistics.equivalence import CONFIDENCE, Equivalence
from acn_eval.statistics.manifest import PIXELS, caveats, manifest
from acn_eval.statistics.pairing import (
    Outcomes,
    join,
    require_complete,
    require_one_architecture,
    require_same_question,
)
from acn_eval.statistics.rows import Tables, estimate
from acn_eval.statistics.scales import error_ratio, logit_difference
from acn_eval.statistics.soundness import differing, network_of

__all__ = ["compare", "summarize"]

Results = Sequence[EvalResult]


def compare(candidates: Results, baselines: Results, analysis: Analysis) -> Comparison:
    """Compare candidates with baselines, in the terms of an analysis.

    `acn_eval.studies.compare.compare` has the rules, and the errors.
    """
    require_one_architecture("candidate", candidates)
    require_one_architecture("baseline", baselines)
    outcomes, tables = _joined([*candidates, *baselines], (candidates, baselines), analysis)
    words, design, data = outcomes.endpoint, tables.design, candidates[0].data
    files = (len(candidates), len(baselines))
    pairs = outcomes.pairs(files[0])
    end_point = Pair.weighted(pairs, outcomes.weights)
    (primary,) = tables.rows([words.name], [{}], [end_point])
    ratio = error_ratio(design, end_point) if words.scales else None
    undefined = words.scales and ratio is None
    fairness = (*manifest(candidates, baselines), *words.manifest(candidates, baselines))
    findings = words.findings(design, candidates, baselines)
    rows = tables.rows(outcomes.names, outcomes.conditions, pairs)
    seeds = min(files) if design.unit == ARCHITECTURES else 0
    left, right = (_side(side, words.replicate) for side in (candidates, baselines))
    case = Case((left.label, right.label), words, Sample(primary.n, seeds, words.replicate))
    moved_by = words.moved_by | {PIXELS}
    moved = (row.name for row in fairness if row.equal is False and row.name in moved_by)
    evidence = replace(_evidence(design, outcomes, pairs, end_point), unequal=tuple(moved))
    if _identical(candidates, baselines):
        said = identical(case.pair)
    elif min(files) < words.least and not (words.alone and max(files) == 1):
        said = no_claim(case, files, primary, evidence)
    else:
        said = _decided(claim(case, primary, evidence), case, findings, rows)
    return Comparison(
        candidate=left,
        baseline=right,
        suite=str(candidates[0].suite["name"]),
        data=f"{data.name} {data.split}",
        unit=design.unit,
        n=primary.n,
        rows=rows,
        primary=primary,
        claim=said,
        ratio=ratio,
        manifest=fairness,
        warnings=(
            *caveats(files, data.name, primary.n, words, fairness),
            *(["mean corruption error is undefined: too few baseline errors"] * undefined),
            *outcomes.warnings,
        ),
        paired_seeds=design.twins is not None,
        findings=findings,
        replicate=words.replicate,
        quantity=analysis.metric.quantity,
        example=candidates[0].checkpoint.example,
    )


def summarize(results: Results, analysis: Analysis) -> tuple[Accuracy, ...]:
    """Return the metric under every condition, and last the primary endpoint.

    Raises:
        ConfigError: results of different questions or architectures, or stopped early.
    """
    require_one_architecture("results", results)
    outcomes, tables = _joined(results, (results, results), analysis)
    pairs = outcomes.pairs(len(results))
    each = zip(outcomes.names, outcomes.conditions, pairs, strict=True)
    primary = np.einsum("c,fcn->fn", outcomes.weights, outcomes.values)
    end_point = replace(Pair.weighted(pairs, outcomes.weights), candidate=primary)
    last = tables.accuracy(outcomes.endpoint.name, {}, end_point)
    return (*(tables.accuracy(*condition) for condition in each), last)


def _joined(
    results: Results, sides: tuple[Results, Results], analysis: Analysis
) -> tuple[Outcomes, Tables]:
    require_complete(results)
    for side in sides:  # seeds of one network are read alike
        require_same_question(side)
    require_same_question(results, same_pixels=False)
    outcomes = join(results, analysis)
    left, right = ([r.checkpoint for r in side] for side in sides)
    design = Design.of(left, right, least=outcomes.endpoint.least)
    design = replace(design, scored=analysis.metric.score)
    return outcomes, Tables(design, 1 / len(results[0].data.classes), analysis.metric)


def _evidence(
    design: Design, outcomes: Outcomes, pairs: Sequence[Pair], end_point: Pair
) -> Evidence:
    effect, words = design.difference(end_point), outcomes.endpoint
    limits = effect.interval(CONFIDENCE)
    equal = Equivalence(words.margin, *limits) if words.margin is not None else None
    found = Evidence(
        estimate(effect), equivalence=equal, quantity=outcomes.analysis.metric.quantity
    )
    first = words.reference.items()
    clean = [p for p, c in zip(pairs, outcomes.conditions, strict=True) if first <= c.items()]
    if not (words.scales and clean):
        return found
    return replace(
        found,
        drop=estimate(design.difference(end_point - clean[0], support=(-2.0, 2.0))),
        logit=estimate(logit_difference(design, end_point, clean[0])),
        clean=(float(clean[0].candidate.mean()), float(clean[0].baseline.mean())),
    )


def _decided(said: Claim, case: Case, findings: Sequence[Finding], rows: Sequence[Row]) -> Claim:
    """Let a finding decide where that is what the suite asks for, and where it is there."""
    found = {finding.name: finding for finding in findings}
    decisive = case.words.decisive
    if decisive is None or decisive.name not in found:
        return said
    case = replace(case, sample=replace(case.sample, examples=0))
    if decisive.beside:
        return trade_claim(case, found[decisive.name], found[decisive.beside])
    last = (decisive.whole or {}).items()
    whole = [row.difference for row in rows if last and last <= row.condition.items()]
    return finding_claim(case, found[decisive.name], whole[0] if whole else None)


def _identical(candidates: Results, baselines: Results) -> bool:
    """Whether both sides are the same networks, with the same outcomes."""
    ours, theirs = ({network_of(r.checkpoint): r for r in s} for s in (candidates, baselines))
    return ours.keys() == theirs.keys() and not any(
        differing(result, theirs[network]) for network, result in ours.items()
    )


def _side(results: Results, replicate: str) -> Side:
    first, many = results[0].checkpoint.name, len(results)
    shared = first.partition(f" {replicate} ")[0]  # of "acn draw 3"
    return Side(
        label=first if many == 1 else f"{shared} ({many} {replicate}s)",
        keys=tuple(result.key for result in results),
        seeds=tuple(result.checkpoint.training.get("seed") for result in results),
    )
