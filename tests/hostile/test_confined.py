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
def made(tmp_path_factory):
    """A store, and a checkpoint; copy it only."""
    folder = tmp_path_factory.mktemp("store")
    written(folder / "net.pt")
    return TrackingStore(f"sqlite:///{folder / 'mlflow.db'}"), client_in(folder), folder / "net.pt"


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """A root, and a folder of another user with a checkpoint and data."""
    for folder in ("root", "secret/data/train/ant", "home"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(made[2], tmp_path / "secret" / "net.pt")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path


@pytest.fixture
def sources(made, place):
    return Sources.of(Settings(roots=(str(place / "root"),)), made[0])


def by_source(made, place, name):
    return registered(made[1], name, (place / "secret").as_uri())


def by_traversal(made, place, name):
    run = logged(made[1], [made[2]], "model")
    kept = made[1].get_run(run).info.artifact_uri.removeprefix("file://")
    up = "/".join([".."] * len(kept.strip("/").split("/")))
    return registered(made[1], name, f"runs:/{run}/{up}{place}/secret")


def by_tag(made, place, name):
    address = shelved(made[1], name, made[2])
    file = place / "secret" / "net.pt"
    tags = {"uri": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    for tag, value in tags.items():
        made[1].set_model_version_tag(name, "1", f"acn_eval.{tag}", value)
    return address


def by_link(made, place, name):
    (place / "root" / "net.pt").symlink_to(place / "secret" / "net.pt")
    return str(place / "root" / "net.pt")


WAYS = {"source": by_source, "traversal": by_traversal, "tag": by_tag, "link": by_link}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_to_a_checkpoint_of_others(made, place, sources, way):
    address = WAYS[way](made, place, way)
    store = made[0].uri
    with confined(sources), pytest.raises(AcnEvalError, match="of the service") as said:
        load(address, tracking_uri=store)
    assert "\n" not in str(said.value)
    assert load(address, tracking_uri=store).classes  # the attack is real


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


def test_all_else_is_opened_as_before(made, place, sources):
    shutil.copy(made[2], place / "root" / "own.pt")
    address = shelved(made[1], "fine", made[2])
    with confined(sources):
        assert len(open_examples("digits"))
        for name in (address, "own.pt", str(place / "root" / "own.pt"), "res_vit.pt"):
            assert load(name, tracking_uri=made[0].uri).classes
