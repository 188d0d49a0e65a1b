"""Write docs/results.md: the results of the shipped checkpoints.

    python benchmarks/results.py > docs/results.md
    python benchmarks/results.py compression > part.md     # one chapter

Uses the embedded digits, and CIFAR-10, CIFAR-100 and Tiny-ImageNet where ACN_EVAL_DATA points to
them. Finished outcomes, features and trainings are taken from the cache.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import bag_of_words
import torch
import yaml
from choose_networks import best
from results_prose import CHOICE, HEAD, READ, TEXT
from results_tables import (
    blocks,
    comparison,
    contrasts,
    depths,
    in_short,
    key_of,
    standings,
    training,
)

from acn_eval.checkpoints import load
from acn_eval.data import data_root
from acn_eval.data.synthetic_sentences import SYNTHETIC
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inference import Runtime
from acn_eval.shipped import shipped
from acn_eval.studies.compare import compare
from acn_eval.studies.continual.run import ContinualStudy
from acn_eval.studies.continual.suite import Continual
from acn_eval.studies.low_data.suite import LowData
from acn_eval.studies.low_data.trained import LowDataStudy
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.studies.read import read_suite
from acn_eval.study.request import Request
from acn_eval.study.run import run
from acn_eval.study.suite import Suite

PLANS = [Path(__file__).with_name(name) for name in ("choice.yaml", "choice-text.yaml")]
HOUR = Path(__file__).with_name("split_cifar100_hour.md")
PLACE = Runtime(torch.device("cpu"), precision="fp32")  # the same numbers on every processor


class Network(NamedTuple):
    """An architecture whose two sides differ in their connections."""

    title: str
    candidate: str
    baseline: str
    seeds: int


SKIP = Network("ViT, skip around attention", "ac_vit", "res_vit", 5)


PLAIN = Network("ViT, the paper's plain block", "plain/ac_vit", "res_vit", 5)


MIXER = Network("Mixer", "ac_mixer", "res_mixer", 5)


DIGITS = (SKIP, PLAIN, MIXER)


CIFAR10 = Network("Mixer, CIFAR-10", "cifar10/ac_mixer", "cifar10/res_mixer", 3)


IMAGES = (*DIGITS, CIFAR10)


GENERATED = Network("BERT, generated sentences", "text/ac_bert", "text/res_bert", 3)


PLAIN_BERT = Network(
    "BERT, the plain block, generated sentences", "text/plain/ac_bert", "text/res_bert", 3
)


SST2 = Network("BERT, SST-2", "text/sst2/ac_bert", "text/sst2/res_bert", 3)


TEXTS = (GENERATED, PLAIN_BERT, SST2)


MASKED = Network("BERT, masked tokens", "text/mlm/ac_bert", "text/mlm/res_bert", 3)


class Job(NamedTuple):
    """One table: a suite and the files of both sides; `network` is its title in the overview."""

    title: str
    network: str
    suite: str | Suite
    candidates: Sequence[str]
    baselines: Sequence[str]
    selection: DataSelection = DataSelection()


def files(name: str, seeds: int) -> list[str]:
    """Seed 0 by its name, the others in the folder `seeds` beside it."""
    folder, _, base = name.rpartition("/")
    beside = f"{folder}/seeds/" if folder else "seeds/"
    return [f"{name}.pt", *(f"{beside}{base}_{seed}.pt" for seed in range(1, seeds))]


def pair(network: Network, suite: str | Suite, about: str = "digits", **selection: object) -> Job:
    """Return all seeds of both sides as architectures, or one pair of files."""
    sides = (files(side, network.seeds) for side in (network.candidate, network.baseline))
    count = f"{network.seeds} seeds a side" if network.seeds > 1 else "seed 0"
    title = f"{about}, {network.title}, {count}"
    return Job(title, network.title, suite, *sides, DataSelection(**selection))  # type: ignore[arg-type]


def has(folder: str) -> bool:
    """Whether ACN_EVAL_DATA holds a data set."""
    return (data_root() / folder).is_dir()


def robustness() -> Iterator[Job]:
    for suite in ("robustness", "robustness_normalized"):
        yield from (pair(network, suite) for network in DIGITS)
    yield from (pair(network, "robustness_common") for network in (SKIP, MIXER))
    yield pair(SKIP._replace(seeds=1), "robustness")
    if has("cifar-10-batches-py"):
        yield pair(CIFAR10, "robustness", "cifar10")


def compression() -> Iterator[Job]:
    yield from (pair(network, "compression") for network in DIGITS)
    for what, end in (
        ("every exit trained", ""),
        ("heads of their own at exits 2, 4, 6", "_branches"),
    ):
        sides = (f"exits/{side}_vit{end}" for side in ("ac", "res"))
        yield pair(Network(f"ViT, {what}", *sides, 1), "compression")
    for count in (2, 5):
        first = tuple(map(str, range(count)))
        for network in (SKIP, MIXER):
            yield pair(
                network,
                "compression",
                f"the first {count} digits only",
                data="digits",
                classes=first,
                restricted=True,
            )
    if has("cifar-10-batches-py"):
        yield pair(CIFAR10, "compression", "cifar10")


def transfer() -> Iterator[Job]:
    digits = Network("ViT, skip around attention", "digits04/ac_vit", "digits04/res_vit", 5)
    yield pair(digits, "transfer", "digits 0-4 to digits 5-9")
    if has("cifar-10-batches-py") and has("cifar100"):
        mixer = Network("Mixer", "cifar100/ac_mixer", "cifar100/res_mixer", 1)
        yield pair(mixer, "transfer", "CIFAR-100 to CIFAR-10", data="cifar10")


def pruning() -> Iterator[Job]:
    yield from (pair(network, "pruning") for network in DIGITS)


class Line(NamedTuple):
    """One cell of the overview."""

    study: str
    network: str
    text: str


def chapter(jobs: Iterator[Job]) -> Iterator[Line]:
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
        said = comparison(results[:count], results[count:])
        if suite["kind"] == "compression":
            print("\n" + "\n".join(depths(results)))
        if count > 1 and not job.selection.data:
            yield Line(suite["name"], job.network, in_short(said))


def overview(lines: Sequence[Line], compared: Sequence[Network], paper: str) -> str:
    """One row per suite, one column per network, and the budgets beside the paper's."""
    networks = [network.title for network in compared]
    cells = {(line.study, line.network): line.text for line in lines}
    studies = dict.fromkeys(line.study for line in lines if line.network in networks)
    rows = [
        f"| {study} | {' | '.join(cells.get((study, n), '') for n in networks)} |"
        for study in studies
    ]
    budgets = (budget(network) for network in compared)
    heads = [f"| suite | {' | '.join(networks)} |", "|---" * (len(networks) + 1) + "|"]
    return "\n".join(
        [
            *heads,
            *rows,
            f"| seeds a side, budget (the paper has {paper}) | {' | '.join(budgets)} |",
        ]
    )


def budget(network: Network) -> str:
    """Seeds, steps and epochs of the trainings, beside the paper's."""
    checkpoint = load(f"{network.candidate}.pt")
    facts = checkpoint.id.training
    epochs = facts["examples"] / len(checkpoint.training_hashes)
    return f"{network.seeds}; {facts['steps']:,} steps of {facts['batch']}, {epochs:.0f} epochs"


def low_data() -> Iterator[Line]:
    own = {"low_data": SKIP, "low_data_plain": PLAIN, "low_data_mixer": MIXER}
    yield from learned("digits", {"low_data_demo": None, **own})


def learned(about: str, suites: dict[str, Network | None]) -> Iterator[Line]:
    """Networks that learn from few examples; those of a column of the overview are named."""
    for name, network in suites.items():
        suite = read_suite(name)
        assert isinstance(suite, LowData)
        print(f"training {name}", file=sys.stderr, flush=True)
        results = run(LowDataStudy(Request(suite, (), DataSelection(), PLACE)), PLACE)
        print(f"\n### {about}: {suite.description}: {name}\n")
        print(f"{suite.draws} draws, {suite.repeats} initializations, {suite.steps} steps.\n")
        said = comparison(results[: suite.draws], results[suite.draws :])
        if network:
            yield Line("low_data", network.title, in_short(said))


def continual() -> Iterator[Line]:
    """Forgetting over digits, and the hour of Split CIFAR-100 as it was measured once."""
    suite = read_suite("split-digits")
    assert isinstance(suite, Continual)
    print("learning split-digits", file=sys.stderr, flush=True)
    study = ContinualStudy(Request(suite, (), DataSelection(), PLACE))
    results = run(study, PLACE)
    found = [(results[ours], results[theirs]) for ours, theirs in study.groups()]
    first = found[0][0][0]
    print(f"\n### {suite.description}: split-digits\n")
    recipe = str(first.checkpoint.training["recipe"]).split(", ")
    print(f"{', '.join(fact for fact in recipe if not fact.startswith('method '))}.\n")
    print(
        f"{suite.seeds} seeds a row (class order, initialization, order of images), n = "
        f"{first.data.n}; 95 % limits over seeds, Student's t, for these test images.\n"
    )
    rows = {key_of(side[0]): side for both in found for side in both}
    print("\n".join(standings(rows)) + "\n")
    print("\n".join(contrasts(rows)) + "\n")
    compared = [compare(*both) for both in found]
    for said in compared:
        print(f"- **{said.claim.verdict}**: {said.claim.sentence}")
    print(f"\n{HOUR.read_text()}", end="")
    naive = next(
        c for c, both in zip(compared, found, strict=True) if key_of(both[0][0])[0] == "naive"
    )
    yield Line("continual", MIXER.title, in_short(naive))


def dynamics(about: str, networks: Sequence[Network]) -> Iterator[Line]:
    """What every block adds and passes on, of seed 0 of every network, and of both sides."""
    sides = dict.fromkeys(side for n in networks for side in (n.candidate, n.baseline))
    files = [f"{name}.pt" for name in sides]
    for name, result in zip(sides, evaluate(files, "dynamics", runtime=PLACE), strict=True):
        print(f"\n### {about}, {name}, seed 0: dynamics\n")
        print("\n".join(blocks(result)))
    yield from ()


def text() -> Iterator[Line]:
    """Generated sentences, and SST-2 where it is; only seed 0 of these networks is shipped."""
    print(TEXT)
    for data in (SYNTHETIC, "glue:sst2") if has("text") else (SYNTHETIC,):
        print(f"\n### {data}, words alone\n")
        print("\n".join(bag_of_words.table(data)))
    yield from chapter(sentences())
    yield from learned("generated sentences", {"low_data_text": GENERATED})
    yield from dynamics("generated sentences", (GENERATED, PLAIN_BERT))


def sentences() -> Iterator[Job]:
    here = [network for network in TEXTS if trained(network) and (network != SST2 or has("text"))]
    for suite in ("robustness", "compression"):
        yield from (pair(network, suite, "text") for network in here)
    whole, plain = read_suite("pruning"), magnitude()
    yield from (pair(own, plain if own == SST2 else whole, "text") for own in here)
    yield pair(GENERATED._replace(seeds=1), "pruning_paper", "text")
    if trained(MASKED) and has("text"):
        about = "masked tokens to SST-2, 3,000 sentences of train"
        yield pair(MASKED, "transfer", about, data="glue:sst2", limit=3_000)


def magnitude() -> Suite:
    """`pruning` without training: five epochs of SST-2 would take an hour over six files."""
    suite = read_suite("pruning")
    assert isinstance(suite, Pruning)
    methods = tuple(method for method in suite.methods if method.kind == "magnitude")
    return suite.model_copy(update={"methods": methods, "name": "pruning"})


def trained(network: Network) -> bool:
    """Whether the files of all seeds are here."""
    sides = (files(side, network.seeds) for side in (network.candidate, network.baseline))
    folder = shipped("checkpoints")
    return all((folder / name).is_file() for side in sides for name in side)


def choice() -> Iterator[Line]:
    """How variants and learning rates were chosen: accuracy on validation, mean over seeds."""
    print(CHOICE)
    groups = (item for plan in PLANS for item in yaml.safe_load(plan.read_text()).items())
    for name, group in groups:
        found = json.loads(PLANS[0].with_name(f"choice-{name}.json").read_text())
        rates = sorted({float(rate) for own in found.values() for rate in own})
        seeds = ", ".join(map(str, group["seeds"]))
        print(f"\n### {name}, seeds {seeds}\n")
        print(f"| network | {' | '.join(f'{rate:g}' for rate in rates)} | chosen |")
        print("|---" * (len(rates) + 2) + "|")
        for network, own in found.items():
            cells = (own.get(f"{rate:g}") for rate in rates)
            means = (f"{100 * mean(x.values()):.2f}" if x else "" for x in cells)
            print(f"| {network} | {' | '.join(means)} | {best(own):g} |")
    yield from ()


CHAPTERS: dict[str, Callable[[], Iterator[Line]]] = {
    "robustness": lambda: chapter(robustness()),
    "compression": lambda: chapter(compression()),
    "transfer": lambda: chapter(transfer()),
    "low_data": low_data,
    "pruning": lambda: chapter(pruning()),
    "continual": continual,
    "dynamics": lambda: dynamics("digits", DIGITS),
    "text": text,
    "choice": choice,
}


def main() -> None:
    wanted, lines, pages = sys.argv[1:] or list(CHAPTERS), [], StringIO()
    with redirect_stdout(pages):
        for name in wanted:
            print(f"\n## {name.replace('_', ' ').capitalize()}")
            lines += list(CHAPTERS[name]())
    if not sys.argv[1:]:
        print(f"{HEAD}\n\n{overview(lines, IMAGES, '300 to 700 epochs')}")
        print(f"{READ}\n\n{overview(lines, TEXTS, 'BERT-base, books and Wikipedia')}")
    print(pages.getvalue(), end="")


if __name__ == "__main__":
    main()
