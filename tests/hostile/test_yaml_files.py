"""Hostile YAML is a config that can be planned, or one line and exit 2: at once, and small."""

from pathlib import Path

import pytest

from acn_eval.gate import read_gate
from acn_eval.studies.dynamics.suite import Dynamics
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.studies.read import read_suite
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.training import Recipe, read_recipe
from tests.hostile.harness import attack, command
from tests.hostile.yaml_files import files

MANY = 1500
READ = {
    "suite": lambda path: read_suite(str(path)),
    "gate": lambda path: read_gate(str(path)),
    "recipe": read_recipe,
}


def planned(config):
    """What a plan asks of a config that was accepted."""
    assert len(repr(config)) + len(config.model_dump_json()) > 0
    if isinstance(config, Robustness):
        assert list(config.questions())
    if isinstance(config, Recipe | Dynamics):
        assert config.looked_at if isinstance(config, Recipe) else config.looked_at()
    if isinstance(config, Pruning):
        assert all(len(method.places(config.sparsities)) for method in config.methods)


def endings(folder, chosen):
    """(name, ending) of every file, by its reader; of every seventh by the command too."""
    for i, file in enumerate(chosen):
        path = Path(folder, "mine.yaml")
        path.write_bytes(file.content)
        yield file.name, attack(lambda: planned(READ[file.kind](path)))  # noqa: B023
        if i % 7 == 0 and file.kind != "recipe":
            yield file.name, command("plan", "--suite", path, "--n", 99)


def judged(folder, chosen):
    """The faults of every file that has any, by its name; and the exit codes that there were."""
    found = list(endings(folder, chosen))
    faults = ((name, end.faults(busy=2.0), end.err) for name, end in found)
    wrong = {name: (fault, err) for name, fault, err in faults if fault}
    return wrong, {end.code for _, end in found}


def test_a_sample(tmp_path):
    """Some are accepted: else the readers, and not the files, would be what is wrong."""
    assert judged(tmp_path, files(range(0, MANY, 35))) == ({}, {0, 2})


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_file(tmp_path):
    assert judged(tmp_path, files(range(MANY))) == ({}, {0, 2})


def test_the_same_seed_makes_the_same_files():
    one, again, other = (list(files(range(60), seed)) for seed in (3, 3, 4))
    assert one == again != other
