"""What the terminal shows of compression: exits, the cut, its cost, and early exit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from acn_eval.results import EvalResult, Scalar
from acn_eval.statistics import Comparison
from acn_eval.statistics.spread_words import AXES, CONSTANT, over
from acn_eval.studies.compression.collapse import in_words, spread_of
from acn_eval.studies.compression.depth import Cut, cut_of
from acn_eval.terminal.comparisons import (
    milliseconds,
    show_answer,
    show_conditions,
    show_details,
    show_disturbed,
)
from acn_eval.terminal.glossary import legend
from acn_eval.terminal.tables import Column, show_table

__all__ = ["show", "show_difficulty"]

_BATCHES = ("batch1", "batch32", "batch64")
_SHOWN = 2  # networks with tables of their own
_RARE = 0.005  # share of the examples; exits that fewer take are not named


def show(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str | None = None,
) -> None:
    """Print the answer, the cut of every network, exits, costs and early exit."""
    show_answer(out, results, comparison, metric)
    measured = [r for r in results if cut_of(r) is not None]
    for line in _each_in_words(measured, comparison):
        out.print(line)
    if measured:
        out.print()
    show_conditions(out, results[:1], comparison, metric, shown=_is_shown)
    out.print(
        "exit k: the network cut after k blocks, on clean examples; cut: the exit that validation "
        "chose. Corruptions are in the figure and in MLflow.",
        style="dim",
    )
    legend(out)
    priced = [r for r in measured if "costs" in r.details]
    _show_spread(out, [result for result in measured if spread_of(result)])
    if 0 < len(priced) <= _SHOWN:
        _show_costs(out, priced)
        _show_early_exits(out, priced)
    show_details(out, comparison)


def show_difficulty(out: Console, tasks: Sequence[Sequence[EvalResult]]) -> None:
    """Print the cut of every checkpoint on every task, from easy to hard."""
    columns = [Column("blocks needed")]
    for results in tasks:
        data = results[0].data
        columns.append(Column(f"{len(data.classes)} classes, n = {data.n}"))
    rows = [
        (row[0].checkpoint.name, *(_limits(cut_of(result)) for result in row))
        for row in zip(*tasks, strict=True)
    ]
    out.print()
    show_table(out, columns, rows)
    out.print("The same networks predict among the first classes only.", style="dim")


def _limits(cut: Cut | None) -> str:
    if cut is None:
        return "no exits"
    return f"{cut.estimate} of {cut.depth} [{cut.low}, {cut.high}], {100 * cut.tolerance:g} points"


def _is_shown(condition: Mapping[str, Scalar]) -> bool:
    return condition.get("corruption") == "clean" and "exit" in condition


def _cut_in_words(result: EvalResult) -> str:
    cut = cut_of(result)
    assert cut is not None
    share = 100 * cut.estimate / cut.depth
    validation = result.details["validation"]
    return (
        f"{result.checkpoint.name} needs {cut.estimate} of {cut.depth} blocks ({share:.0f} %) to"
        f" stay within {100 * cut.tolerance:g} points [95 %: {cut.low} to {cut.high}];"
        f" validation (n = {validation['n']}) chose {validation['cut']}."
    )


def _each_in_words(measured: Sequence[EvalResult], comparison: Comparison | None) -> Iterator[str]:
    """Yield the cut of every network, and what it tells apart; of many, what their sides do."""
    few = len(measured) <= _SHOWN
    for result in measured:
        yield _cut_in_words(result)
        if few and (said := in_words(result.checkpoint.name, [result])):
            yield said
    if not few:
        sides = _sides(measured, comparison)
        yield from filter(None, (in_words(label, own) for label, own in sides.items()))


def _sides(
    results: Sequence[EvalResult], comparison: Comparison | None
) -> dict[str, list[EvalResult]]:
    if comparison is None:
        return {results[0].checkpoint.name: [*results]}
    arms = (comparison.candidate, comparison.baseline)
    return {arm.label: [r for r in results if r.key in arm.keys] for arm in arms}


def _show_spread(out: Console, results: Sequence[EvalResult]) -> None:
    """What every exit tells apart, before training and now, and what its block adds."""
    if not 0 < len(results) <= _SHOWN:
        return
    example = results[0].checkpoint.example
    columns = (
        Column("share of variance"),
        Column("over tokens"),
        Column("at start", rank=2),
        Column(over("images", example)),
        Column("at start", rank=1),
        Column("effective rank", rank=3),
        Column("norm", rank=4),
        Column("cosine", rank=5),
    )
    rows = [
        (f"{result.checkpoint.name}, exit {k}", *cells)
        for result in results
        for k, cells in enumerate(_spread(result.details["spread"]))
    ]
    spread = results[0].details["spread"]
    out.print()
    show_table(out, columns, rows)
    out.print(
        f"Of what every block passes on, on {spread['images']} clean {example}s; below "
        f"{CONSTANT:g} all tokens of an {example}, or all {example}s, are the same; start: "
        "initialization. Rank, and norm and cosine of what a block adds, are of the readout.",
        style="dim",
    )
    legend(out)


def _spread(spread: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """One row of numbers per exit."""
    before = spread["initial"] or [{}] * len(spread["trained"])
    for now, start in zip(spread["trained"], before, strict=True):
        pairs = ((row.get(axis), 3, CONSTANT) for axis in AXES for row in (now, start))
        rest = ((now["rank"], 1, 0.0), (now["norm"], 2, 0.0), (now["cosine"], 2, -1.0))
        yield tuple(_number(*cell) for cell in (*pairs, *rest))


def _number(value: float | None, digits: int, least: float) -> str:
    if value is None:
        return "-"
    return f"<{least:g}" if value < least else f"{value:.{digits}f}"


def _show_costs(out: Console, results: Sequence[EvalResult]) -> None:
    """The costs of the proven cut beside those of the whole network."""
    columns = (
        Column("cost"),
        Column("exit"),
        Column("parameters"),
        Column("MFLOPs"),
        Column("of linear layers", rank=6),
        Column("weights MB", rank=3),
        Column("memory MB", rank=4),
        Column("ms at batch 1 (p95)", rank=1),
        Column("ms at batch 32 (p95)", rank=5),
        Column("ms at batch 64 (p95)", rank=2),
    )
    rows = []
    for result in results:
        cut = cut_of(result)
        assert cut is not None
        for k in sorted({cut.high, cut.depth}):
            name = result.checkpoint.name if k != cut.depth else f"{result.checkpoint.name}, whole"
            rows.append((name, str(k), *_cost(result.details["costs"][k])))
    out.print()
    show_table(out, columns, rows)
    out.print(
        "Measured on this machine, warm; p95: 95th percentile; memory: weights and activations. "
        "MFLOPs count the products of attention; those of linear layers do not.",
        style="dim",
    )
    times = [c[b] for r in results for c in r.details["costs"] for b in _BATCHES if b in c]
    show_disturbed(out, times)


def _cost(row: dict[str, Any]) -> Iterator[str]:
    yield f"{row['parameters']:,}"
    yield f"{row['flops'] / 1e6:.2f}"
    yield f"{row['linear_flops'] / 1e6:.2f}" if "linear_flops" in row else ""
    yield "-" if row["weight_bytes"] is None else f"{row['weight_bytes'] / 1e6:.2f}"
    yield f"{row['memory_bytes'] / 1e6:.2f}"
    for batch in _BATCHES:
        yield milliseconds(row[batch]) if batch in row else ""


def _show_early_exits(out: Console, results: Sequence[EvalResult]) -> None:
    example = results[0].checkpoint.example
    columns = (
        Column("early exit"),
        Column("threshold", rank=2),
        Column("accuracy %", interval=4),
        Column("mean exit"),
        Column("FLOPs"),
        Column(f"ms per {example}, one by one", rank=3),
        Column(f"ms per {example}, in batches of 32", rank=5),
        Column(f"% of the {example}s that leave at exit", rank=6, text=True),
    )
    rows = []
    for result in results:
        for row in result.details["early_exit"]:
            if row["chosen"]:
                point = _point(row, result.details["costs"])
                rows.append((f"{result.checkpoint.name}, {row['rule']}", *point))
    out.print()
    show_table(out, columns, rows)
    out.print(
        "FLOPs and, in brackets, times are in % of the whole network's. Exits share the head "
        "unless the network has branches. Validation chose the thresholds (entropy in nats). "
        f"Times are measured per exit and include all heads on the way; {example}s that have left "
        "a batch cost nothing more.",
        style="dim",
    )
    legend(out)


def _point(row: dict[str, Any], costs: Sequence[dict[str, Any]]) -> Iterator[str]:
    a, whole = row["accuracy"], costs[-1]
    yield f"{row['threshold']:g}"
    yield f"{100 * a['value']:.1f} [{100 * a['low']:.1f}, {100 * a['high']:.1f}]"
    yield f"{row['mean_exit']:.2f}"
    yield f"{100 * row['flops'] / whole['flops']:.0f} %"
    yield _time(row["milliseconds"], "early", "batch1", costs)
    in_batch = row.get("milliseconds_in_batch")
    yield "" if in_batch is None else _time(in_batch, "early32", "batch32", costs)
    shares = enumerate(row.get("left", ()))
    yield ", ".join(f"{k}: {100 * share:.0f}" for k, share in shares if share >= _RARE)


def _time(
    own: float, measured: str, whole: str, costs: Sequence[Mapping[str, Mapping[str, Any]]]
) -> str:
    """Return a time per example, and its share of the whole network's, unless disturbed."""
    if not all(row[name].get("steady", True) for row in costs for name in (measured, whole)):
        return "disturbed"
    last = costs[-1][whole]
    return f"{own:.3g} ({100 * own * last['batch'] / last['median_ms']:.0f} %)"
