"""What a service works on names more than it may open: files of others, in six ways."""

import hashlib
import shutil

import pytest

from acn_eval.checkpoints import load
from acn_eval.data import open_examples
from acn_eval.errors import AcnEvalError
from acn_eval.reach import confined
from acn_eval.run_options import RunOptions
from acn_eval.service.access.sources import Sources
from acn_eval.service.settings import Settings
from acn_eval.stores import TrackingStore
from acn_eval.workflow import resolve
from tests.checkpoints.files import written
from tests.stores.shelves import client_in, logged, registered, shelved


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    """A checkpoint in a folder of its own; copy it only."""
    return written(tmp_path_factory.mktemp("store") / "net.pt")


@pytest.fixture
def store(net):
    return TrackingStore(f"sqlite:///{net.parent / 'mlflow.db'}")


@pytest.fixture(scope="module")
def made(net):
    """A client of the store, and the checkpoint."""
    return client_in(net.parent), net


@pytest.fixture
def place(net, tmp_path, monkeypatch):
    """A root, and a folder of another user with a checkpoint and data."""
    for folder in ("root", "secret/data/train/ant", "home"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(net, tmp_path / "secret" / "net.pt")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path


@pytest.fixture
def sources(store, place):
    return Sources.of(Settings(roots=(str(place / "root"),)), store)


def by_source(made, place, name):
    return registered(made[0], name, (place / "secret").as_uri())


def by_traversal(made, place, name):
    run = logged(made[0], [made[1]], "model")
    kept = made[0].get_run(run).info.artifact_uri.removeprefix("file://")
    up = "/".join([".."] * len(kept.strip("/").split("/")))
    return registered(made[0], name, f"runs:/{run}/{up}{place}/secret")


def by_tag(made, place, name):
    address = shelved(made[0], name, made[1])
    file = place / "secret" / "net.pt"
    tags = {"uri": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    for tag, value in tags.items():
        made[0].set_model_version_tag(name, "1", f"acn_eval.{tag}", value)
    return address


WAYS = {"source": by_source, "traversal": by_traversal, "tag": by_tag}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_no_version_leads_to_a_checkpoint_of_others(made, place, sources, store, way):
    refused(WAYS[way](made, place, way), sources, store)


def test_no_link_leads_to_a_checkpoint_of_others(place, sources, store):
    (place / "root" / "net.pt").symlink_to(place / "secret" / "net.pt")
    refused(str(place / "root" / "net.pt"), sources, store)


def refused(address, sources, store):
    with confined(sources), pytest.raises(AcnEvalError, match="of the service") as said:
        load(address, tracking_uri=store.uri)
    assert "\n" not in str(said.value)
    assert load(address, tracking_uri=store.uri).classes  # the attack is real


def test_a_twin_lies_where_its_checkpoint_may(place, sources):
    written(place / "root" / "net.pt", pair="../secret/net.pt")
    options = RunOptions((str(place / "root" / "net.pt"),))
    assert resolve(options).baselines
    with confined(sources), pytest.raises(AcnEvalError, match="of the service"):
        resolve(options)


def test_data_that_a_card_names_lies_below_a_root(place, sources):
    (place / "root" / "data").symlink_to(place / "secret" / "data", target_is_directory=True)
    for name in (f"folder:{place}/secret/data", "folder:data", "folder:../secret/data"):
        with confined(sources), pytest.raises(AcnEvalError, match="of the service"):
            open_examples(name)


@pytest.mark.slow
def test_all_else_is_opened_as_before(made, place, sources, store):
    shutil.copy(made[1], place / "root" / "own.pt")
    address = shelved(made[0], "fine", made[1])
    with confined(sources):
        assert len(open_examples("digits"))
        for name in (address, "own.pt", str(place / "root" / "own.pt"), "res_vit.pt"):
            assert load(name, tracking_uri=store.uri).classes
