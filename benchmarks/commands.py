"""Wall and CPU time of whole commands: cold, again, and against another version.

    python benchmarks/commands.py [--rounds 5] [--only robustness gate] [--against CHECKOUT]

Every group of commands runs in an empty folder with an empty cache of its own, one command after
the other:
  help         `--help`, and that of one command
  robustness   the main job: new store and cache; the same again; a new folder with that cache
  untracked    the same without MLflow, new and again
  gate         `gate` on two stored results of 10,000 images under 7 conditions
  compression  every exit, latencies and figures: new store and cache
The CPU time is that of all threads and of the process that records. CHECKOUT is a folder with
another version; it runs in its own `.venv` where it has one, else in this environment. A first
round is not counted; groups and versions rotate. Medians and ranges; ratios are taken round by
round.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from gate import made
from machine import facts

HERE = Path(__file__).resolve().parents[1]
IMAGES = 10_000
JOB = ("robustness", "--ckpt", "ac_vit.pt")
STORED = ("gate", "--result", "{new}", "--against", "{old}")
GROUPS = {
    "help": {"--help": ("--help",), "robustness --help": ("robustness", "--help")},
    "robustness": {"robustness": JOB, "robustness, again": JOB, "robustness, new folder": JOB},
    "untracked": {
        "robustness --no-track": (*JOB, "--no-track"),
        "robustness --no-track, again": (*JOB, "--no-track"),
    },
    "gate": {"gate": STORED, "gate --sequential": (*STORED, "--sequential")},
    "compression": {"compression": ("compression", "--ckpt", "ac_vit.pt")},
}
ANSWERS = {0, 1, 3}  # a gate may have any verdict


class Spent(NamedTuple):
    """Seconds of one command."""

    wall: float
    cpu: float


Times = dict[tuple[str, str], list[Spent]]
"""Of every round, by the name of the command and of the version."""


def spent(command: Sequence[str], folder: Path, environment: dict[str, str]) -> Spent:
    """Run a command to its end; the CPU time counts its children."""
    start = time.perf_counter()
    with (folder / "errors").open("w+") as errors:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in ANSWERS:
        sys.exit(f"{' '.join(command)}: {(folder / 'errors').read_text()}")
    return Spent(wall, usage.ru_utime + usage.ru_stime)


def run_group(group: str, checkout: Path, stored: dict[str, str]) -> Iterator[tuple[str, Spent]]:
    """Run the commands of a group in a new folder of their own."""
    own = checkout / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        cache = {"ACN_EVAL_CACHE": str(place / "cache"), "PYTHONPATH": str(checkout)}
        environment = {**os.environ, **cache}
        environment.pop("MLFLOW_TRACKING_URI", None)
        folder = place / "first"
        folder.mkdir()
        for command, arguments in GROUPS[group].items():
            if command.endswith("new folder"):
                folder = place / "second"
                folder.mkdir()
            given = [argument.format(**stored) for argument in arguments]
            yield command, spent([python, "-m", "acn_eval", *given], folder, environment)


def rotated(names: Sequence[str], turn: int) -> list[str]:
    at = turn % len(names)
    return [*names[at:], *names[:at]]


def measure(
    groups: Sequence[str], versions: dict[str, Path], rounds: int, stored: dict[str, str]
) -> Times:
    times: Times = defaultdict(list)
    for turn in range(rounds + 1):
        for group in rotated(groups, turn):
            for version in rotated([*versions], turn):
                for command, seconds in run_group(group, versions[version], stored):
                    if turn:
                        times[command, version].append(seconds)
    return times


def words(values: Sequence[float]) -> str:
    return f"{np.median(values):7.3f} [{min(values):.3f}, {max(values):.3f}]"


def show(times: Times, versions: Sequence[str]) -> None:
    commands = [command for group in GROUPS.values() for command in group]
    for command in [command for command in commands if (command, "here") in times]:
        for version in versions:
            walls, cpus = zip(*times[command, version], strict=True)
            print(f"{command:30} {version:8} {words(walls)} s wall {words(cpus)} s CPU")
        if len(versions) == 2:
            ratios = np.array(times[command, "here"]) / np.array(times[command, "there"])
            wall, cpu = (words(column) for column in ratios.T)
            print(f"{command:30} {'ratio':8} {wall} x wall {cpu} x CPU")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=[*GROUPS])
    parser.add_argument("--against", type=Path, metavar="CHECKOUT")
    options = parser.parse_args()
    versions = {"here": HERE}
    if options.against:
        versions["there"] = options.against.resolve()
    print(facts())
    with tempfile.TemporaryDirectory() as name:
        folder, sides = Path(name), {"new": 1, "old": 2}
        stored = {side: str(made(side, IMAGES, seed).save(folder)) for side, seed in sides.items()}
        show(measure(options.only, versions, options.rounds, stored), [*versions])


if __name__ == "__main__":
    main()
