"""The steps of CONTRIBUTING are at most four; what they name exists, and toys follow them."""

import re
from importlib.metadata import Distribution
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from acn_eval.plugins import plugin
from acn_eval.statistics.metrics import METRICS, Metric
from tests.contracts.test_checkpoints import SOURCES
from tests.contracts.test_metrics import NAMES
from tests.contracts.test_studies import JOBS
from tests.statistics.test_metrics import KAPPA

ROOT = Path(__file__).parents[1]
TOYS = ROOT / "tests" / "toys"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ADDED = ("study", "corruption", "checkpoint source", "metric", "modality")
SECTIONS = {
    what: re.search(rf"## Adding a {what}\n(.*?)\n## ", TEXT, re.DOTALL)[1] for what in ADDED
}
STEPS = {
    what: re.findall(r"^\d\. ((?:.|\n )+)", text, re.MULTILINE) for what, text in SECTIONS.items()
}
GROUPS = {f"acn_eval.{name}" for name in get_args(get_type_hints(plugin)["group"])}


def groups(text):
    return set(re.findall(r"`(acn_eval\.\w+)`", text))


@pytest.mark.parametrize("what", ADDED)
def test_there_are_at_most_four_steps_of_whole_sentences(what):
    assert 1 <= len(STEPS[what]) <= 4
    for step in STEPS[what]:
        assert re.match(r"(Add|Compare|Create|If|List|Run|Write) .*\.$", step, re.DOTALL), step


@pytest.mark.parametrize("what", ADDED)
def test_every_path_and_group_that_a_step_names_exists(what):
    paths = re.findall(r"`((?:acn_eval|suites|tests)/[\w/.]*|[\w]+\.(?:toml|md))`", SECTIONS[what])
    assert paths
    own = [path for path in paths if "NAME" in path]
    assert [path for path in own if not (ROOT / path).parent.is_dir()] == []
    assert [path for path in set(paths) - set(own) if not (ROOT / path).exists()] == []
    assert groups(SECTIONS[what]) <= GROUPS


@pytest.mark.parametrize(
    "what", ["study", "corruption", "checkpoint source", "modality"], ids=str.split
)
def test_the_toy_is_installed_by_the_groups_of_its_steps_alone(what, monkeypatch):
    room = TOYS / what.split()[0]
    assert f"`tests/toys/{room.name}/`" in SECTIONS[what]
    monkeypatch.syspath_prepend(str(room))
    (info,) = room.glob("*.dist-info")
    points = Distribution.at(info).entry_points
    assert {point.group for point in points} == groups(SECTIONS[what])
    for point in points:
        assert plugin(point.group.removeprefix("acn_eval."), point.name) is point.load()


def test_the_toy_study_has_the_files_and_names_of_the_first_step(monkeypatch):
    monkeypatch.syspath_prepend(str(TOYS / "study"))
    rotation = plugin("studies", "rotation")
    room = Path(rotation.__file__).parent
    named = re.findall(r"`(\w+)\.py`\s+\(`(\w+)`", STEPS["study"][0])
    assert {f"{file}.py" for file, _ in named} | {"__init__.py"} == {
        path.name for path in room.glob("*.py")
    }
    for file, name in named:
        module = __import__(f"{rotation.__name__}.{file}", fromlist=[name])
        assert hasattr(module, name)
    assert "rotation" in JOBS


def test_the_toy_metric_is_a_function_and_an_entry():
    assert isinstance(KAPPA, Metric)
    assert "`kappa`" in SECTIONS["metric"]
    assert KAPPA.of.__name__ == "kappa"
    assert set(NAMES) == {*METRICS, "toy"}


def test_the_toy_corruption_and_source_go_from_the_command_to_the_table(
    call, tmp_path, monkeypatch
):
    for room in ("corruption", "checkpoint"):
        monkeypatch.syspath_prepend(str(TOYS / room))
    monkeypatch.chdir(tmp_path)
    sides = ("--ckpt", "linear:1", "--baseline", "linear:2")
    suite = ("--suite", TOYS / "corruption" / "shade.yaml")
    code, out, _ = call("robustness", *sides, *suite, "--limit", "40", "--no-track")
    assert code == 0
    assert re.search(r"^shade 0\.9 ", out, re.MULTILINE)
    assert "linear1" in out
    assert "installed" in SOURCES
