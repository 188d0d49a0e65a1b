"""Records the goldens: ``python -m tests.goldens.record [NAME ...]``.

A golden holds the numbers of one command to their last digit, in a file that people can read and
compare. Commands run in processes of their own, with a cache of their own, and with libraries that
are asked for one thread and for the instructions that every x86-64 processor has.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.goldens.commands import COMMANDS, Command
from tests.goldens.projection import of_document, of_text, shortened

__all__ = ["GOLDENS", "measured", "read"]

GOLDENS = Path(__file__).parent
SUITES = GOLDENS.parents[1] / "suites"
PINNED = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
    "COLUMNS": "200",  # so that no printed number is cut
}
# Forked after all imports, which take longer than most of the commands.
_PROCESS = """
import json, os, pkgutil, sys
from glob import glob
from importlib import import_module
import acn_eval
from acn_eval.cli.main import main
from matplotlib.figure import Figure
for module in pkgutil.walk_packages(acn_eval.__path__, "acn_eval."):
    import_module(module.name)
# Pictures take longer than their numbers.
Figure.savefig = lambda self, file, **options: open(file, "wb").close()
codes = []
for folder, arguments in json.load(sys.stdin):
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        os.environ["ACN_EVAL_CACHE"] = os.path.join(folder, "cache")
        for name, stream in (("out.txt", 1), ("err.txt", 2)):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        try:
            main([p for a in arguments for p in (sorted(glob(a)) if a[:3] == "../" else [a])])
        except SystemExit as exit:
            os._exit(exit.code)  # at once: taking the imports apart is slow
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""
_JUDGED = {0, 1, 3}  # a gate's verdicts among them


def measured(commands: Sequence[Command], root: Path) -> dict[str, dict[str, Any]]:
    """Run commands, each in its folder under a root, and return their goldens by name."""
    jobs = [(str(_prepared(command, root)), command.arguments) for command in commands]
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS],
        input=json.dumps(jobs),
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    codes = json.loads(done.stdout)
    return {
        c.name: _golden(c, root / c.name, code) for c, code in zip(commands, codes, strict=True)
    }


def read(name: str) -> dict[str, Any]:
    """Return a golden as it was recorded."""
    golden: dict[str, Any] = json.loads((GOLDENS / f"{name}.json").read_text())
    return golden


def _environment() -> dict[str, str]:
    passed = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "ACN_EVAL_"))}
    return {**passed, **PINNED}


def _prepared(command: Command, root: Path) -> Path:
    """Make the folder of a command, and the suite that it reads there."""
    folder = root / command.name
    folder.mkdir()
    if command.suite:
        suite = yaml.safe_load((SUITES / f"{command.suite}.yaml").read_text())
        (folder / "suite.yaml").write_text(yaml.safe_dump(_changed(suite, command.changes)))
    return folder


def _changed(suite: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for side in {"candidate", "baseline"} & suite.keys():  # recipes beside the shipped suite
        suite[side] = str(SUITES / suite[side])
    for name, value in changes.items():
        suite[name] = {**suite[name], **value} if isinstance(suite.get(name), Mapping) else value
    return {name: value for name, value in suite.items() if value is not None}


def _golden(command: Command, folder: Path, code: int) -> dict[str, Any]:
    if code not in _JUDGED:
        raise RuntimeError(f"{command.name}: exit code {code}\n{(folder / 'err.txt').read_text()}")
    if command.prints:
        return of_text((folder / "out.txt").read_text(), command.prints)
    golden: dict[str, Any] = {}
    for file in sorted(folder.glob("golden*.json")):
        found = of_document(json.loads(file.read_text()))
        found = shortened(found) if command.slow else found
        suffix = file.stem.removeprefix("golden")
        golden |= {name + suffix: value for name, value in found.items()}
    return golden


def _main(names: Sequence[str]) -> None:
    """Record all, or those that are named; commands that others read results of always run."""
    chosen = [c for c in COMMANDS if not names or c.name in names or not c.slow]
    with tempfile.TemporaryDirectory() as root:
        for name, golden in measured(chosen, Path(root)).items():
            if not names or name in names:
                (GOLDENS / f"{name}.json").write_text(_text(golden))


def _text(golden: Mapping[str, Any]) -> str:
    """Return JSON with one line per fact."""
    facts = (f"{json.dumps(k)}: {json.dumps(golden[k], sort_keys=True)}" for k in sorted(golden))
    return "{\n" + ",\n".join(facts) + "\n}\n"


if __name__ == "__main__":
    _main(sys.argv[1:])
