"""The commands whose numbers are recorded: every shipped suite, cut down until it is cheap."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["COMMANDS", "Command"]


@dataclass(frozen=True)
class Command:
    """One command line.

    Attributes:
        name: of the golden file and of the folder in which the command runs.
        arguments: of ``acn-eval``; one that begins with ``../`` is a pattern for the results of
            an earlier command.
        suite: shipped suite whose copy, ``suite.yaml``, takes the place of the shipped one.
        changes: fields of that copy; a mapping changes the fields of a mapping.
        slow: whether the default test run leaves it out, and its golden holds digests of rows.
        prints: pattern of the numbers that are read from the terminal, where there is no JSON.
    """

    name: str
    arguments: tuple[str, ...]
    suite: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    slow: bool = False
    prints: str = ""


def _measure(
    name: str, line: str, *, suite: str = "", slow: bool = False, **changes: Any
) -> Command:
    """Return a command that measures checkpoints."""
    fixed = "--precision fp32 --seed 0 --no-track --json golden.json"
    copy = " --suite suite.yaml" if suite else ""
    return Command(name, tuple(f"{line}{copy} {fixed}".split()), suite, changes, slow)


def _train(name: str, line: str, *, suite: str, slow: bool = False, **changes: Any) -> Command:
    """Return a command that trains: it has no noise, and always full precision."""
    fixed = "--suite suite.yaml --no-track --json golden.json"
    return Command(name, tuple(f"{line} {fixed}".split()), suite, changes, slow)


def _look(name: str, line: str, *, slow: bool) -> Command:
    """Return a command that looks at a checkpoint without noise and without a suite."""
    return Command(name, tuple(f"{line} --no-track --json golden.json".split()), slow=slow)


def _gate(name: str, line: str, *, slow: bool = False, **changes: Any) -> Command:
    copy = " --suite suite.yaml" if changes else ""
    text = f"gate {line}{copy} --no-track --json golden.json"
    return Command(name, tuple(text.split()), "gate" if changes else "", changes, slow)


def _compare(name: str, line: str) -> Command:
    return Command(name, tuple(f"compare {line} --json golden.json".split()))


def _print(name: str, line: str, *, prints: str = r"\d[\d.,e+]*", slow: bool = False) -> Command:
    return Command(name, tuple(line.split()), slow=slow, prints=prints)


_PAIR = "--ckpt ac_vit.pt --baseline res_vit.pt"
_SEEDS = "--ckpt ac_vit.pt,seeds/ac_vit_*.pt --baseline res_vit.pt,seeds/res_vit_*.pt"
_THREE = (
    "--ckpt ac_vit.pt,seeds/ac_vit_1.pt,seeds/ac_vit_2.pt "
    "--baseline res_vit.pt,seeds/res_vit_1.pt,seeds/res_vit_2.pt"
)
_STORED = "../robustness/acn-results"
_WORK = r"\d[\d,]*[.,]\d+"  # TFLOPs and steps; the seconds are whole
_QUICK = 0.001  # seconds of a latency, which is not recorded
_ONE = {
    "kind": "robustness",
    "name": "one",
    "description": "One corruption",
    "corruptions": [{"kind": "gaussian", "levels": [0.2]}],
}
# What these suites ask of CIFAR-100, which is not shipped, asked of the digits.
_AS_DIGITS: Mapping[str, Any] = {
    "data": "digits",
    "tasks": 5,
    "epochs": None,
    "steps": 2,
    "seeds": 1,
    "depths": [2],
    "arch": {"image_size": 8, "patch": 2, "channels": 1, "width": 16},
}

COMMANDS = (
    _measure("robustness", f"robustness {_PAIR}"),
    _measure("robustness_sequential", f"robustness {_PAIR} --sequential"),
    _measure("robustness_seeds", f"robustness {_THREE} --limit 96"),
    _measure("robustness_five_seeds", f"robustness {_SEEDS}", slow=True),
    _measure(
        "robustness_alone", "robustness --ckpt ac_mixer.pt --no-baseline --limit 64", slow=True
    ),
    _measure(
        "robustness_repeats",
        f"robustness {_PAIR} --repeats 3 --classes 0-4 --data digits",
        slow=True,
    ),
    _measure(
        "robustness_normalized", f"robustness {_PAIR} --suite robustness_normalized --limit 96"
    ),
    _measure("robustness_common", f"robustness {_PAIR} --suite robustness_common --limit 32"),
    _measure(
        "robustness_common_full", f"robustness {_THREE} --suite robustness_common", slow=True
    ),
    _measure(
        "compression",
        f"compression {_PAIR} --limit 96",
        suite="compression",
        seconds=_QUICK,
        noise=_ONE,
    ),
    _measure(
        "compression_seeds",
        f"compression {_THREE} --limit 200",
        suite="compression",
        slow=True,
        seconds=_QUICK,
        noise=_ONE,
    ),
    _measure(
        "compression_branches",
        "compression --ckpt exits/ac_vit_branches.pt --baseline exits/res_vit_branches.pt",
        suite="compression",
        slow=True,
        seconds=_QUICK,
    ),
    _measure(
        "difficulty",
        f"compression {_PAIR}",
        suite="difficulty",
        slow=True,
        seconds=_QUICK,
        noise=_ONE,
    ),
    _measure(
        "pruning",
        f"pruning {_PAIR} --limit 96",
        suite="pruning",
        seconds=_QUICK,
        sparsities=[0, 0.6],
        methods=[{"kind": "magnitude"}],
    ),
    _measure(
        "pruning_methods",
        f"pruning {_PAIR} --limit 96",
        suite="pruning",
        slow=True,
        seconds=_QUICK,
        sparsities=[0, 0.6],
        methods=[
            {"kind": "magnitude"},
            {"kind": "gradual", "steps": 5},
            {"kind": "movement", "removed": 0.4, "epochs": 2},
            {"kind": "magnitude", "blocks": 4},
        ],
    ),
    _measure(
        "pruning_seeds",
        f"pruning {_THREE} --limit 96",
        suite="pruning",
        slow=True,
        seconds=_QUICK,
        sparsities=[0, 0.6],
        methods=[{"kind": "magnitude"}],
        noise=_ONE,
    ),
    _measure(
        "pruning_paper",
        f"pruning {_PAIR} --limit 96",
        suite="pruning_paper",
        slow=True,
        seconds=_QUICK,
        sparsities=[0, 0.6],
        methods=[
            {"kind": "magnitude", "scope": "global"},
            {"kind": "magnitude", "scope": "layer"},
        ],
    ),
    _measure(
        "pruning_structured",
        f"pruning {_PAIR} --limit 96",
        suite="pruning_structured",
        slow=True,
        seconds=_QUICK,
        sparsities=[0, 0.3],
        methods=[
            {"kind": "structured"},
            {"kind": "structured", "steps": 2},
            {"kind": "structured", "blocks": 4},
        ],
    ),
    _measure(
        "transfer",
        "transfer --ckpt digits04/ac_vit.pt --protocol ridge --limit 96",
    ),
    _measure("transfer_linear", "transfer --ckpt digits04/ac_vit.pt --limit 96", slow=True),
    _measure(
        "transfer_protocols",
        "transfer --ckpt digits04/ac_vit.pt --protocol ridge-fewshot --protocol knn "
        "--side-by-side --limit 96",
        slow=True,
    ),
    _measure(
        "transfer_noise",
        "transfer --ckpt digits04/ac_vit.pt --suite transfer_noise --protocol ridge --limit 96",
        slow=True,
    ),
    _train(
        "low_data",
        "low-data --limit 96",
        suite="low_data_demo",
        per_class=[5, 10],
        draws=3,
        repeats=1,
        steps=2,
    ),
    _train(
        "low_data_demo",
        "low-data",
        suite="low_data_demo",
        slow=True,
        per_class=[5, 10],
        steps=20,
    ),
    _train(
        "low_data_vit",
        "low-data --limit 96",
        suite="low_data",
        slow=True,
        per_class=[5],
        draws=5,
        repeats=1,
        steps=4,
    ),
    _train(
        "low_data_alone",
        "low-data",
        suite="low_data_demo",
        slow=True,
        per_class=[5],
        draws=3,
        repeats=1,
        steps=4,
        training="alone",
    ),
    _train(
        "low_data_probe",
        "low-data --ckpt digits04/ac_vit.pt --limit 96",
        suite="low_data_probe",
        per_class=[1, 5],
    ),
    _train(
        "low_data_fine_tune",
        "low-data --ckpt digits04/ac_vit.pt",
        suite="low_data_fine_tune",
        slow=True,
        per_class=[5],
        steps=4,
    ),
    _train(
        "continual",
        "continual --limit 96",
        suite="split-digits",
        seeds=3,
        epochs=None,
        steps=1,
        depths=[2],
        methods=["naive", {"method": "si", "variant": "zenke", "c": 1}],
    ),
    _train(
        "continual_methods",
        "continual --limit 96",
        suite="continual",
        slow=True,
        seeds=3,
        epochs=None,
        steps=2,
        depths=[2],
    ),
    _train(
        "split_digits", "continual", suite="split-digits", slow=True, seeds=3, epochs=1, depths=[2]
    ),
    _train(
        "split_cifar100_hour", "continual", suite="split-cifar100-hour", slow=True, **_AS_DIGITS
    ),
    _train("split_cifar100_acn", "continual", suite="split-cifar100-acn", slow=True, **_AS_DIGITS),
    _train(
        "dynamics",
        "dynamics --limit 96",
        suite="dynamics",
        looks=2,
        probed=32,
        recipe={"steps": 2, "warmup": 1},
        connectivities=["acn", "residual"],
    ),
    _train(
        "dynamics_connectivities",
        "dynamics",
        suite="dynamics",
        slow=True,
        looks=3,
        recipe={"steps": 10},
    ),
    _look("dynamics_checkpoint", "dynamics --ckpt ac_vit.pt --limit 96", slow=True),
    _gate("gate_pass", "--ckpt seeds/res_vit_1.pt --baseline res_vit.pt"),
    _gate("gate_limited", f"{_PAIR} --limit 64"),
    _gate(
        "gate_no_verdict",
        f"--result {_STORED}/robustness-ac_vit-* --against {_STORED}/robustness-res_vit-*",
    ),
    _gate(
        "gate_fail",
        f"--result {_STORED}/robustness-ac_vit-* --against {_STORED}/robustness-res_vit-*",
        margins={"primary": 0.005, "clean": 0.01, "cell": 0.02},
        floors={"clean": 0.9},
    ),
    _gate("gate_sequential", "--ckpt seeds/res_vit_1.pt --baseline res_vit.pt --sequential"),
    _gate(
        "gate_sequential_fail",
        f"{_PAIR} --sequential",
        slow=True,
        margins={"primary": 0.001, "clean": 0.001, "cell": 0.001},
    ),
    _gate("gate_identical", "--ckpt ac_vit.pt --baseline ac_vit.pt --limit 64", slow=True),
    _compare("compare", f"{_STORED}/robustness-ac_vit-* {_STORED}/robustness-res_vit-*"),
    _compare("compare_ranking", "../robustness_seeds/acn-results"),
    _compare("compare_group", "../robustness_seeds/acn-results --group"),
    _print("plan", "plan --n 10000 --discordance 0.06"),
    _print(
        "plan_stored",
        f"plan --result {_STORED}/robustness-ac_vit-* --against {_STORED}/robustness-res_vit-*",
    ),
    _print("plan_suite", "plan --suite robustness --n 352 --discordance 0.1"),
    _print("plan_cost", "plan --ckpt res_vit.pt --limit 64"),
    _print("plan_continual", "continual --suite continual --plan", prints=_WORK, slow=True),
    _print("plan_low_data", "low-data --suite low_data --plan", prints=_WORK, slow=True),
)
