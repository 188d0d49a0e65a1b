"""Tables of docs/results.md."""

import re
from collections.abc import Iterator, Sequence

from acn_eval.checkpoints import load
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison, Estimate, Row
from acn_eval.studies.compare import compare
from acn_eval.studies.compression.depth import cut_of
from acn_eval.studies.continual.findings import contrast, standing

DIFFERENCE = re.compile(r"[-+][\d.]+ points \[[^]]+\]")


def shown(e: Estimate, sign: str = "") -> str:
    return f"{100 * e.value:{sign}.1f} [{100 * e.low:{sign}.1f}, {100 * e.high:{sign}.1f}]"


def p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}"


def table(c: Comparison, rows: Sequence[Row]) -> str:
    lines = [
        f"| condition | {c.candidate.label} | {c.baseline.label} | difference | p | MDE | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        band = shown(Estimate(row.difference.value, row.band_low, row.band_high), "+")
        cells = (row.name, shown(row.candidate), shown(row.baseline), f"{band} band")
        notes = ", ".join(row.notes)
        lines.append(
            f"| {' | '.join(cells)} | {p(row.p_holm)} Holm | {100 * row.mde:.1f} | {notes} |"
        )
    row = c.primary
    cells = (f"**{row.name}**", shown(row.candidate), shown(row.baseline))
    cells = (*cells, shown(row.difference, "+"), p(row.p), f"{100 * row.mde:.1f}", "")
    return "\n".join([*lines, f"| {' | '.join(cells)} |"])


def findings(c: Comparison) -> Iterator[str]:
    for f in c.findings:
        sides = f"{plain(f.candidate)} against {plain(f.baseline)} {f.unit}"
        difference = f", difference {plain(f.difference, '+')} {f.difference_unit}"
        yield f"- {f.name}: {sides}{difference if f.difference else ''}; {f.note}"


def plain(e: Estimate | None, sign: str = "") -> str:
    return f"{e.value:{sign}.3g} [{e.low:{sign}.3g}, {e.high:{sign}.3g}]" if e else ""


def depths(results: Sequence[EvalResult]) -> Iterator[str]:
    """The cut, its cost and early exit of every file."""
    yield "| file | blocks needed [95 %] | validation | FLOPs of the proven cut | early exit |"
    yield "|---|---|---|---|---|"
    for result in results:
        cut, details = cut_of(result), result.details
        assert cut is not None
        costs = details["costs"]
        share = costs[cut.high]["flops"] / costs[-1]["flops"]
        early = ", ".join(
            f"{r['rule']} {r['threshold']:g}: {100 * r['accuracy']['value']:.1f} % at "
            f"{costs[-1]['flops'] / r['flops']:.2f}x"
            for r in details["early_exit"]
            if r["chosen"]
        )
        yield (
            f"| {result.checkpoint.uri} | {cut.estimate} of {cut.depth} [{cut.low}, {cut.high}] "
            f"within {100 * cut.tolerance:g} points | {details['validation']['cut']} | "
            f"{100 * share:.0f} % | {early} |"
        )


def training(names: Sequence[str]) -> str:
    """One line per architecture: validation accuracy of each seed, and the budget."""
    facts = [load(name).id.training for name in names]
    accuracies = [100 * f["validation_accuracy"] for f in facts]
    listed = ", ".join(f"{a:.2f}" for a in accuracies)
    mean = sum(accuracies) / len(accuracies)
    first = facts[0]
    return (
        f"- {names[0]}: validation {listed} (mean {mean:.2f} %, n = {first['validation_n']}); "
        f"{first['steps']:,} steps of {first['batch']}, learning rate {first['learning_rate']:g}"
    )


def in_short(said: Comparison) -> str:
    """The verdict and the difference that decided it."""
    difference = DIFFERENCE.search(said.claim.certainty)
    assert difference
    return f"**{said.claim.verdict}**, {difference[0]}"


def comparison(candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]) -> Comparison:
    c, first = compare(candidates, baselines), candidates[0]
    print(f"{c.data}, n = {c.n}, unit: {c.unit}, {first.precision}.\n")
    kept = [r for r in c.rows if first.suite["kind"] == "robustness" or _clean(r)]
    print(f"{table(c, kept)}\n")
    for line in findings(c):
        print(line)
    print(f"{chr(10) if c.findings else ''}**{c.claim.verdict}**: {c.claim.sentence}")
    print(f"\n{c.claim.certainty}")
    for skip in first.skipped[::5]:
        print(f"\nNot measured: {skip.reason}.")
    return c


def _clean(row: Row) -> bool:
    return row.condition.get("corruption") == "clean"


def key_of(result: EvalResult) -> tuple[str, int, str]:
    arch, method = result.checkpoint.arch, result.checkpoint.training["method"]
    return method, arch["depth"], arch["connectivity"]


Rows = dict[tuple[str, int, str], list[EvalResult]]


def standings(rows: Rows) -> Iterator[str]:
    names = ["average accuracy", "accuracy right after learning", "forgetting"]
    names += ["forgetting, best ever"]
    heads = ["method", *names, "class-IL average"]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for key, results in rows.items():
        found = standing(results)
        cells = [found.get(f"{name}, task-IL") for name in names]
        cells.append(found["average accuracy, class-IL"])
        shown_cells = [shown(e) if e else "" for e in cells]
        yield f"| {key[0]} L{key[1]} {key[2]} | {' | '.join(shown_cells)} |"


def contrasts(rows: Rows) -> Iterator[str]:
    yield "| difference, points | average accuracy | right after | forgetting | class-IL average |"
    yield "|---|---|---|---|---|"
    for (method, depth, network), own in rows.items():
        if network == "acn":
            theirs = rows[method, depth, "residual"]
            yield f"| acn - residual, {method} L{depth} | {changes(own, theirs)} |"
    for (method, depth, network), own in rows.items():
        if method not in {"naive", "joint"}:
            naive = rows["naive", depth, network]
            yield f"| {method} - naive, L{depth} {network} | {changes(own, naive)} |"


def changes(left: list[EvalResult], right: list[EvalResult]) -> str:
    asked = (
        ("average accuracy", "task_il"),
        ("accuracy right after learning", "task_il"),
        ("forgetting", "task_il"),
        ("average accuracy", "class_il"),
    )
    each = [contrast(left, right, *one) for one in asked]
    return " | ".join(shown(e, "+") if e else "" for e in each)


def blocks(result: EvalResult) -> Iterator[str]:
    """Accuracy, share of variance, and what is lost without it, of every block."""
    details = result.details
    spread, lost = details["spread"], {row["block"]: row for row in details["without"]}
    yield "| exit | accuracy | tokens, at start | images, at start | lost without block |"
    yield "|---|---|---|---|---|"
    cells = {c.condition["exit"]: c for c in result.cells if "without" not in c.condition}
    first = spread["initial"]  # none where it began with the weights of a file
    for exit, last in enumerate(spread["looks"][-1]):
        row, start = lost.get(exit), first[exit] if first else None
        gone = Estimate(row["lost"], row["low"], row["high"]) if row else None
        yield (
            f"| {exit} | {100 * cells[exit].values.mean():.1f} | "
            f"{both(last, start, 'tokens')} | {both(last, start, 'images')} | "
            f"{shown(gone) if gone else ''} |"
        )


def both(last: dict[str, float], first: dict[str, float] | None, axis: str) -> str:
    """As trained and, where it is known, at the start."""
    return ", ".join(share(spread[axis]) for spread in (last, first) if spread)


def share(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}"
