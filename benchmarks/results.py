"""Write docs/results.md: what the shipped checkpoints do, whatever it is.

    python benchmarks/results.py > docs/results.md

Uses the embedded digits, and CIFAR-10 where ACN_EVAL_DATA points to it.
"""

import sys
from collections.abc import Sequence
from typing import NamedTuple

import torch

from acn_eval.checkpoints import load
from acn_eval.data import data_root
from acn_eval.evaluation import evaluate
from acn_eval.passes import Place
from acn_eval.statistics import Comparison, Estimate, compare

SEEDS = range(1, 5)
HEAD = """# Results of the shipped checkpoints

Written by `python benchmarks/results.py`. Accuracy in % with 95 % intervals; differences
(ACN minus residual) in points: per condition with a simultaneous 95 % band over the conditions,
for the mean corrupted accuracy with a 95 % interval of its own. MDE is the smallest difference
that this many images would have shown with 80 % power. A tie is a tie.

These are small networks on small pictures, trained for minutes on a CPU. They neither confirm nor
refute the paper's ImageNet table; they show what the tool says about real checkpoints."""


class Job(NamedTuple):
    """One table: a suite and the files of both sides."""

    title: str
    suite: str
    candidates: Sequence[str]
    baselines: Sequence[str]


def seeds(name: str) -> list[str]:
    return [f"{name}.pt", *(f"seeds/{name}_{seed}.pt" for seed in SEEDS)]


def jobs() -> list[Job]:
    both = ("robustness", "robustness_normalized", "robustness_common")
    found = [
        Job("digits, ViT, five seeds a side", suite, seeds("ac_vit"), seeds("res_vit"))
        for suite in both
    ]
    found.append(Job("digits, ViT, seed 0", "robustness", ["ac_vit.pt"], ["res_vit.pt"]))
    found.append(Job("digits, Mixer, seed 0", "robustness", ["ac_mixer.pt"], ["res_mixer.pt"]))
    pair = (["digits04/ac_vit.pt"], ["digits04/res_vit.pt"])
    found.append(Job("digits 0-4, ViT, seed 0", "robustness", *pair))
    if (data_root() / "cifar-10-batches-py").is_dir():
        pair = (["cifar10/ac_vit.pt"], ["cifar10/res_vit.pt"])
        found += [Job("CIFAR-10, ViT, seed 0", suite, *pair) for suite in both[:2]]
    return found


def shown(e: Estimate, sign: str = "") -> str:
    return f"{100 * e.value:{sign}.1f} [{100 * e.low:{sign}.1f}, {100 * e.high:{sign}.1f}]"


def p(value: float) -> str:
    return "< .001" if value < 0.001 else f"{value:.3f}"


def table(c: Comparison) -> str:
    lines = [
        f"| condition | {c.candidate.label} | {c.baseline.label} | difference | p | MDE | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in c.rows:
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


def training(names: Sequence[str]) -> str:
    """One line per architecture: validation accuracy of each seed, and the budget."""
    facts = [load(name).id.training for name in names]
    accuracies = [100 * f["validation_accuracy"] for f in facts]
    listed = ", ".join(f"{a:.2f}" for a in accuracies)
    mean = sum(accuracies) / len(accuracies)
    first = facts[0]
    return (
        f"- {names[0]}: validation {listed} (mean {mean:.2f} %, n = {first['validation_n']}); "
        f"{first['steps']:,} steps of {first['batch']}, learning rate {first['learning_rate']:g}, "
        f"{sum(f['seconds'] for f in facts) / len(facts):.0f} s a training"
    )


def main() -> None:
    print(HEAD)
    done = set()
    for job in jobs():
        both = [*job.candidates, *job.baselines]
        print(f"evaluating {job.title} {job.suite}", file=sys.stderr)
        results = evaluate(both, job.suite, place=Place(torch.device("cpu")))
        c = compare(results[: len(job.candidates)], results[len(job.candidates) :])
        print(f"\n## {job.title}: {job.suite}\n")
        if job.title not in done:
            done.add(job.title)
            print(f"{training(job.candidates)}\n{training(job.baselines)}\n")
        print(f"{c.data}, n = {c.n}, unit: {c.unit}, {results[0].precision}.\n")
        print(f"{table(c)}\n\n**{c.claim.verdict}**: {c.claim.sentence}")
        for skip in results[0].skipped[::5]:
            print(f"\nNot measured: {skip.reason}.")


if __name__ == "__main__":
    main()
