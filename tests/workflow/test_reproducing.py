"""Networks of a table are trained once, resumed, and never mistaken for those of another."""

import pytest
import torch
import yaml

from acn_eval import RunOptions
from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import load
from acn_eval.errors import ConfigError, DataError, Stopped
from acn_eval.inference import Runtime
from acn_eval.training import train
from acn_eval.workflow.paper import read_table
from acn_eval.workflow.reproducing import costs, questions, train_missing
from tests.tiny import ARCH, CPU, recipe
from tests.workflow.test_paper import compared, written


def trained(table, folder, progress=lambda done, total: None):
    runtime = Runtime(CPU, store=OutcomeCache(folder.with_name("outcomes")))
    train_missing(table, folder, runtime, root=None, progress=progress)


@pytest.fixture
def table(tmp_path):
    return read_table(str(written(tmp_path)))


def test_every_network_is_what_train_makes_of_its_recipe(table, tmp_path):
    moved = []
    trained(table, tmp_path / "kept", lambda done, total: moved.append((done, total)))
    files = sorted(path.name for path in (tmp_path / "kept").iterdir())
    assert files == [f"{name} seed {seed}.pt" for name in ("acn", "residual") for seed in (0, 1)]
    assert moved[-1] == (16, 16)
    assert moved == sorted(moved)
    alone = recipe(
        arch={"connectivity": "residual"},
        seed=1,
        steps=4,
        learning_rate=0.001,
        batch=32,
        warmup=100,
    )
    train(alone, tmp_path / "alone.pt", device=CPU)
    ours = load(str(tmp_path / "kept" / "residual seed 1.pt")).model.state_dict()
    for name, weights in load(str(tmp_path / "alone.pt")).model.state_dict().items():
        assert torch.equal(ours[name], weights)


def test_a_table_that_was_stopped_resumes(table, tmp_path):
    """What is finished is not trained again."""

    def stop(done, total):
        if done == 8:
            raise Stopped("enough")

    with pytest.raises(Stopped):
        trained(table, tmp_path / "kept", stop)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").glob("*.pt")}
    assert 0 < len(before) < 4
    trained(table, tmp_path / "kept")
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").glob("*.pt")}
    assert len(after) == 4
    assert before.items() <= after.items()


def test_networks_of_another_recipe_are_refused_before_training(table, tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    train(recipe(steps=2, batch=32), folder / "residual seed 1.pt", device=CPU)
    with pytest.raises(ConfigError, match=r"residual seed 1\.pt: must be of this recipe"):
        trained(table, folder)
    with pytest.raises(ConfigError, match="must be of this recipe"):
        [*costs(table, folder, CPU, None)]
    assert len([*folder.iterdir()]) == 1


def test_missing_data_are_noticed_before_training(tmp_path):
    path = written(tmp_path, comparisons=compared(data="npz:nowhere"))
    with pytest.raises(DataError, match="nowhere"):
        trained(read_table(str(path)), tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_folders_whose_names_mean_several_are_refused(table, tmp_path):
    for name in ("a,b", "a*"):
        with pytest.raises(ConfigError, match="`out`: must be without comma and wildcard"):
            trained(table, tmp_path / name)


def test_the_plan_needs_no_data(tmp_path):
    fields = yaml.safe_load(written(tmp_path).read_text())
    arch = {**fields["recipe"]["arch"], "channels": 3}
    shared = {
        **fields["recipe"],
        "arch": arch,
        "data": "folder:imagenet",
        "steps": 7200,
        "batch": 4,
    }
    table = read_table(str(written(tmp_path, recipe=shared)))
    ours, theirs = costs(table, tmp_path / "kept", CPU, tmp_path)
    assert (ours.trainings, ours.done, ours.epochs) == (2, 0, None)
    assert ours.hours == pytest.approx((4 * ours.step.here, 4 * ours.step.gpu))
    assert theirs.name == "residual"
    assert not (tmp_path / "kept").exists()


def test_epochs_and_what_is_done_where_the_data_are_here(table, tmp_path):
    trained(table.model_copy(update={"seeds": 1}), tmp_path / "kept")
    for cost in costs(table, tmp_path / "kept", CPU, None):
        assert (cost.trainings, cost.done) == (2, 1)
        assert cost.epochs == pytest.approx(4 * 32 / 1094)
        assert cost.hours[0] == pytest.approx(4 * cost.step.here / 3600)


def test_all_seeds_of_both_networks_are_asked_about_the_classes_they_know(tmp_path):
    shared = {"arch": {**ARCH, "classes": 2}, "steps": 4, "classes": ["3", "5"]}
    table = read_table(str(written(tmp_path, recipe=shared)))
    ((suite, asked),) = questions(table, table.comparisons[0], tmp_path, RunOptions())
    assert suite == asked.suite == "robustness"
    assert asked.candidates == tuple(str(tmp_path / f"acn seed {i}.pt") for i in (0, 1))
    assert asked.baselines == tuple(str(tmp_path / f"residual seed {i}.pt") for i in (0, 1))
    assert (asked.data.data, asked.data.classes) == ("digits", ("3", "5"))
    other = table.comparisons[0].model_copy(update={"data": "cifar10"})
    ((_, asked),) = questions(table, other, tmp_path, RunOptions())
    assert (asked.data.data, asked.data.classes) == ("cifar10", ())
