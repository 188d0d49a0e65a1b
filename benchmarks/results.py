"""Write docs/results.md: the results of the shipped checkpoints.

    python benchmarks/results.py > docs/results.md
    python benchmarks/results.py compression > part.md     # one chapter

Uses the embedded digits, and CIFAR-10, CIFAR-100 and Tiny-ImageNet where ACN_EVAL_DATA points to
them. Finished outcomes, features and trainings are taken from the cache.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch

from acn_eval.checkpoints import load
from acn_eval.data import data_root
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inference import Runtime
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison, Estimate, Row
from acn_eval.studies.compare import compare
from acn_eval.studies.compression.depth import cut_of
from acn_eval.studies.continual.findings import contrast, standing
from acn_eval.studies.continual.run import ContinualStudy
from acn_eval.studies.continual.suite import Continual
from acn_eval.studies.low_data.suite import LowData
from acn_eval.studies.low_data.trained import LowDataStudy
from acn_eval.studies.read import read_suite
from acn_eval.study.request import Request
from acn_eval.study.run import run
from acn_eval.study.suite import Suite

PLACE = Runtime(torch.device("cpu"), precision="fp32")  # the same numbers on every processor
SEEDS = range(1, 5)
HEAD = """# Results of the shipped checkpoints

`python benchmarks/results.py` writes this page. Accuracies are in %, with 95 % intervals in
brackets. Differences are ACN minus residual, in points: those of single conditions have
simultaneous 95 % bands over all conditions of the suite, and that of the primary endpoint has a
95 % interval of its own. MDE is the smallest difference that this many images reliably detect
(80 % power). A tie is equivalence within the margin that the suite states.

These are small networks on small images, trained for minutes on a CPU. They neither confirm nor
refute the tables of the ACN paper; they show what acn-eval reports about real checkpoints."""


class Job(NamedTuple):
    """One table: a suite and the files of both sides."""

    title: str
    suite: str | Suite
    candidates: Sequence[str]
    baselines: Sequence[str]
    selection: DataSelection = DataSelection()


def seeds(name: str) -> list[str]:
    return [f"{name}.pt", *(f"seeds/{name}_{seed}.pt" for seed in SEEDS)]


def pair(
    title: str, suite: str | Suite, folder: str = "", kind: str = "vit", **selection: object
) -> Job:
    files = ([f"{folder}{side}_{kind}.pt"] for side in ("ac", "res"))
    return Job(title, suite, *files, DataSelection(**selection))  # type: ignore[arg-type]


def robustness() -> Iterator[Job]:
    both = ("robustness", "robustness_normalized", "robustness_common")
    for suite in both:
        yield Job("digits, ViT, five seeds a side", suite, seeds("ac_vit"), seeds("res_vit"))
    yield pair("digits, ViT, seed 0", "robustness")
    yield pair("digits, Mixer, seed 0", "robustness", kind="mixer")
    yield pair("digits 0-4, ViT, seed 0", "robustness", "digits04/")
    if (data_root() / "cifar-10-batches-py").is_dir():
        for suite in both[:2]:
            yield pair("CIFAR-10, ViT, seed 0", suite, "cifar10/")


def compression() -> Iterator[Job]:
    five = (seeds("ac_vit"), seeds("res_vit"))
    yield Job("digits, ViT, five seeds a side", "compression", *five)
    yield pair("digits, Mixer, seed 0", "compression", kind="mixer")
    yield pair("digits, ViT with every exit trained (linear weights)", "compression", "exits/")
    yield pair(
        "digits, ViT with branch heads at exits 2, 4, 6", "compression", "exits/", "vit_branches"
    )
    for count in (2, 5):
        first = tuple(map(str, range(count)))
        selection = DataSelection(data="digits", classes=first, restricted=True)
        yield Job(f"digits, the first {count} classes only", "compression", *five, selection)
    if (data_root() / "cifar-10-batches-py").is_dir():
        yield pair("CIFAR-10, ViT, seed 0", "compression", "cifar10/")


def transfer() -> Iterator[Job]:
    yield pair("digits 0-4 to digits 5-9, ViT, seed 0", "transfer", "digits04/")
    targets = {"cifar100": "npz:cifar100", "tiny-imagenet-50": "folder:tiny-imagenet-50"}
    for folder, data in targets.items():
        if (data_root() / folder).is_dir():
            ridge = read_suite("transfer").model_copy(update={"protocols": ("ridge",)})
            yield pair(f"CIFAR-10 to {folder}, ViT, seed 0", ridge, "cifar10/", data=data)


def pruning() -> Iterator[Job]:
    five = (seeds("ac_vit"), seeds("res_vit"))
    yield Job("digits, ViT, five seeds a side", "pruning", *five)


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
        sides = f"{_plain(f.candidate)} against {_plain(f.baseline)} {f.unit}"
        difference = f", difference {_plain(f.difference, '+')} {f.difference_unit}"
        yield f"- {f.name}: {sides}{difference if f.difference else ''}; {f.note}"


def _plain(e: Estimate | None, sign: str = "") -> str:
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
        f"{first['steps']:,} steps of {first['batch']}, learning rate {first['learning_rate']:g}, "
        f"{sum(f['seconds'] for f in facts) / len(facts):.0f} s a training"
    )


def chapter(jobs: Iterator[Job]) -> None:
    done = set()
    for job in jobs:
        both = [*job.candidates, *job.baselines]
        print(f"evaluating {job.title}", file=sys.stderr, flush=True)
        results = evaluate(both, job.suite, job.selection, runtime=PLACE)
        count, suite = len(job.candidates), results[0].suite
        print(f"\n### {job.title}: {suite['name']}\n")
        if (names := tuple(both)) not in done:
            done.add(names)
            print(f"{training(job.candidates)}\n{training(job.baselines)}\n")
        comparison(results[:count], results[count:])
        if suite["kind"] == "compression":
            print("\n" + "\n".join(depths(results)))


def comparison(candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]) -> None:
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


def _clean(row: Row) -> bool:
    return row.condition.get("corruption") == "clean"


def low_data() -> None:
    for name in ("low_data_demo", "low_data"):
        suite = read_suite(name)
        assert isinstance(suite, LowData)
        print(f"training {name}", file=sys.stderr, flush=True)
        results = run(LowDataStudy(Request(suite, (), DataSelection(), PLACE)), PLACE)
        print(f"\n### digits, {suite.description[0].lower() + suite.description[1:]}: {name}\n")
        print(f"{suite.draws} draws, {suite.repeats} initializations, {suite.steps} steps.\n")
        comparison(results[: suite.draws], results[suite.draws :])


PUBLISHED = {
    ("naive", 5, "acn"): ("33.0 ± 2.4", "46.6 ± 2.2"),
    ("naive", 5, "residual"): ("31.8 ± 1.8", "52.8 ± 2.3"),
    ("naive", 10, "acn"): ("32.9 ± 5.3", "45.5 ± 5.8"),
    ("naive", 10, "residual"): ("28.2 ± 1.0", "54.9 ± 1.6"),
    ("si zenke c=1", 5, "acn"): ("44.5 ± 2.2", "35.7 ± 2.1"),
    ("si zenke c=1", 5, "residual"): ("43.5 ± 3.1", "42.4 ± 4.1"),
    ("si zenke c=1", 10, "acn"): ("46.1 ± 1.3", "33.8 ± 0.4"),
    ("si zenke c=1", 10, "residual"): ("36.1 ± 5.0", "44.6 ± 3.7"),
}
"""The paper's Split CIFAR-100: average accuracy and forgetting, spread as it prints it."""
SPLIT_CIFAR100 = (
    "Real CIFAR-100 with 200 of its 500 training images per class (about 180 after validation is "
    "set aside) and the first 4,000 test images in the keyed order; Mixers of half the paper's "
    "width, 5 epochs a task instead of 10: 1,408 steps a training against about 7,800. The "
    "absolute numbers are therefore not the paper's; directions may be compared."
)


def continual() -> None:
    tasks("split-digits", "digits", None)
    if (data_root() / "cifar100").is_dir():
        tasks("split-cifar100-hour", "npz:cifar100", 4000, SPLIT_CIFAR100)


def tasks(name: str, data: str, limit: int | None, note: str = "") -> None:
    suite = read_suite(name)
    assert isinstance(suite, Continual)
    suite = suite.model_copy(update={"data": data})
    print(f"learning {name}", file=sys.stderr, flush=True)
    study = ContinualStudy(Request(suite, (), DataSelection(limit=limit), PLACE))
    results = run(study, PLACE)
    found = [(results[ours], results[theirs]) for ours, theirs in study.groups()]
    first = found[0][0][0]
    print(f"\n### {suite.description}: {name}\n")
    recipe = str(first.checkpoint.training["recipe"]).split(", ")
    protocol = ", ".join(fact for fact in recipe if not fact.startswith("method "))
    print(f"{note}{chr(10) * 2 if note else ''}{protocol}.\n")
    print(
        f"{suite.seeds} seeds a row (class order, initialization, order of images), n = "
        f"{first.data.n}; 95 % limits over seeds, Student's t, for these test images.\n"
    )
    rows = {key_of(side[0]): side for both in found for side in both}
    print("\n".join(standings(rows, published=name.startswith("split-cifar100"))) + "\n")
    print("\n".join(contrasts(rows)) + "\n")
    for candidates, baselines in found:
        said = compare(candidates, baselines)
        print(f"- **{said.claim.verdict}**: {said.claim.sentence}")


def key_of(result: EvalResult) -> tuple[str, int, str]:
    arch, method = result.checkpoint.arch, result.checkpoint.training["method"]
    return method, arch["depth"], arch["connectivity"]


Rows = dict[tuple[str, int, str], list[EvalResult]]


def standings(rows: Rows, *, published: bool) -> Iterator[str]:
    names = ["average accuracy", "accuracy right after learning", "forgetting"]
    names += ["forgetting, best ever"]
    heads = ["method", *names, "class-IL average", *(["published"] * published)]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for key, results in rows.items():
        found = standing(results)
        cells = [found.get(f"{name}, task-IL") for name in names]
        cells.append(found["average accuracy, class-IL"])
        shown_cells = [shown(e) if e else "" for e in cells]
        if published:
            shown_cells.append(", ".join(PUBLISHED[key]))
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


CHAPTERS: dict[str, Callable[[], None]] = {
    "robustness": lambda: chapter(robustness()),
    "compression": lambda: chapter(compression()),
    "transfer": lambda: chapter(transfer()),
    "low_data": low_data,
    "pruning": lambda: chapter(pruning()),
    "continual": continual,
}


def main() -> None:
    wanted = sys.argv[1:] or list(CHAPTERS)
    if not sys.argv[1:]:
        print(HEAD)
    for name in wanted:
        print(f"\n## {name.replace('_', ' ').capitalize()}")
        CHAPTERS[name]()


if __name__ == "__main__":
    main()
