"""From a name to a file, and what is said where there is none."""

from importlib import import_module

import pytest
import torch

import acn_eval
from acn_eval.checkpoints import find, load
from acn_eval.errors import CheckpointError
from acn_eval.shipped import shipped
from tests.checkpoints.files import official_file, refusal, weights, written


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A working directory, and a folder that stands for the shipped checkpoints."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    module = import_module("acn_eval.checkpoints.load")  # the package has a function of that name
    monkeypatch.setattr(module, "shipped", lambda kind: there)
    return here, there


def test_the_working_directory_comes_before_the_shipped_ones(places):
    here, there = places
    written(there / "net.pt", state=weights(seed=1))
    shipped_one = load("net.pt")
    written(here / "net.pt", state=weights(seed=2))
    own = load("net.pt")
    assert own.id.sha256 != shipped_one.id.sha256
    assert own.id.uri == shipped_one.id.uri == "net.pt"
    assert find("net.pt").resolve() == here / "net.pt"


def test_a_folder_of_that_name_does_not_hide_a_shipped_file(places):
    here, there = places
    written(there / "net.pt")
    (here / "net.pt").mkdir()
    assert find("net.pt") == there / "net.pt"


def test_a_relative_path_is_looked_for_under_the_shipped_ones(places):
    _, there = places
    path = written(there / "cifar10" / "net.pt")
    assert find("cifar10/net.pt") == path
    twin = written(there / "cifar10" / "twin.pt")
    pair = load("cifar10/net.pt").pair
    assert pair == "cifar10/twin.pt"  # its shipped name, and no folder of a machine
    assert find(pair) == twin


def test_a_file_of_the_same_name_here_is_no_twin_of_a_shipped_one(places):
    here, there = places
    written(there / "cifar10" / "net.pt")
    twin = written(there / "cifar10" / "twin.pt", state=weights(seed=1))
    written(here / "cifar10" / "twin.pt", state=weights(seed=2))
    assert find(load("cifar10/net.pt").pair) == twin


def test_a_missing_file_gets_the_nearest_name(places):
    _, there = places
    for name in ("ac_vit.pt", "res_mixer.pt", "digits04/ac_vit.pt"):
        written(there / name)
    assert refusal("ac_vitt.pt").endswith("Did you mean ac_vit.pt?")
    assert refusal("res-mixer").endswith("Did you mean res_mixer.pt?")
    assert refusal("digits04/acvit.pt").endswith("Did you mean digits04/ac_vit.pt?")


@pytest.mark.parametrize("uri", [".", "no.pt", "x" * 5000, "a\0b", "nothing:here"])
def test_nothing_there(places, uri):
    assert "must be a checkpoint file" in refusal(uri)


def test_no_name_at_all(places):
    assert refusal("") == "checkpoint: must be the name of a file; got ''"


def test_a_folder_is_called_a_folder(places):
    here, _ = places
    assert "it is a folder" in refusal(here)


def test_the_folder_of_shipped_checkpoints_is_the_working_copys():
    folder = shipped("checkpoints")
    assert folder.is_dir()
    assert (folder.parent / "acn_eval").is_dir()
    assert list(folder.glob("*.yaml"))


@pytest.mark.parametrize(
    "path", sorted(shipped("checkpoints").rglob("*.pt")), ids=lambda p: p.stem
)
def test_every_shipped_checkpoint_loads_and_so_does_its_twin(path):
    name = path.relative_to(shipped("checkpoints")).as_posix()
    checkpoint = load(name)
    assert len(checkpoint.training_hashes) > 0
    with torch.no_grad():
        shape = checkpoint.model(checkpoint.prepare.blank(3)).shape
    assert shape == (3, len(checkpoint.classes))


def test_loading_leaves_the_global_generator_alone(tmp_path):
    ours = str(written(tmp_path / "a.pt"))
    theirs = str(official_file(tmp_path / "b.pth.tar"))
    before = torch.random.get_rng_state()
    load(ours)
    load(theirs, "official/ac-mixer")
    assert torch.equal(before, torch.random.get_rng_state())


def test_it_is_offered_at_the_top(tmp_path):
    assert acn_eval.load(str(written(tmp_path / "a.pt"))).id.name == "a"


def test_an_unreadable_file(tmp_path):
    path = written(tmp_path / "a.pt")
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        assert "Permission" in refusal(path)
    else:
        pytest.skip("this user may read everything")


def test_the_error_is_one_that_a_caller_can_catch(tmp_path):
    with pytest.raises(acn_eval.errors.AcnEvalError):
        load(str(tmp_path / "none.pt"))
    assert issubclass(CheckpointError, acn_eval.errors.AcnEvalError)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("ac_vit.pt", "ac_vit"),
        ("plain/ac_vit.pt", "plain_ac_vit"),
        ("plain/seeds/ac_vit_3.pt", "plain_ac_vit_3"),
        ("seeds/res_vit_1.pt", "res_vit_1"),
    ],
)
def test_shipped_networks_of_one_file_name_are_told_apart(file, name, monkeypatch):
    assert load(file).id.name == name
    monkeypatch.chdir(shipped("checkpoints").parent)
    assert load(f"checkpoints/{file}").id.name == name


def test_the_pair_of_a_shipped_file_in_a_folder_has_its_own_name():
    assert load("plain/ac_vit.pt").pair == "res_vit.pt"
    assert load("plain/seeds/ac_vit_1.pt").pair == "seeds/res_vit_1.pt"


def test_a_pair_behind_a_symbolic_link_is_the_file_beside_the_other(tmp_path):
    folder = tmp_path / "far/away"
    folder.mkdir(parents=True)
    written(folder / "a.pt", pair="../b.pt")
    twin = written(tmp_path / "far/b.pt")
    (tmp_path / "near").symlink_to(folder)
    pair = load(str(tmp_path / "near/a.pt")).pair
    assert find(pair).resolve() == twin.resolve()
