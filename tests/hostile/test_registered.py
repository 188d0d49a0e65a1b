"""Hostile models end in one line and exit 2, as a file and as a version of a real store."""

import shutil
from contextlib import suppress

import pytest
import torch

from acn_eval.checkpoints import load
from acn_eval.checkpoints.trusted import run_trusted
from tests.checkpoints.files import written
from tests.hostile.harness import command
from tests.hostile.registered import ATTACKS, RUNNING
from tests.stores.shelves import client_in, logged, registered

JOB = ("robustness", "--no-baseline", "--no-track", "--data", "digits")
MOST = 300 << 20  # bytes, beyond what the child begins with; the digits and the store take some


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    return f"sqlite:///{folder / 'mlflow.db'}", client_in(folder)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    return tmp_path / "model", tmp_path / "marker"


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_of_a_file_or_a_version_is_run(place, store, name):
    folder, marker = place
    attack, (uri, client) = ATTACKS[name], store
    attack.write(folder, marker)
    run = logged(client, [folder])
    version = registered(client, name.replace(" ", "-"), f"runs:/{run}/model")
    for address in (folder / attack.file, version):
        end = command(*JOB, "--ckpt", address, "--tracking-uri", uri, limit=90.0)
        assert end.faults([2], seconds=90.0, busy=15.0, size=MOST) == [], (address, end.err)
        assert not marker.exists(), address
    assert end.out == ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RUNNING)
def test_the_attacks_are_real(place, name):
    """What trusts the same folder does run it: the tests above would notice."""
    folder, marker = place
    ATTACKS[name].write(folder, marker)
    with suppress(Exception):  # what it returns is no network
        run_trusted(folder)
    assert marker.exists()


def test_weights_beside_code_are_read_and_the_code_is_not_run(place, store):
    folder, marker = place
    uri, client = store
    ATTACKS["code_paths"].write(folder, marker)
    shutil.move(written(folder.parent / "ours.pt"), folder)
    version = registered(client, "both", f"runs:/{logged(client, [folder])}/model")
    found, file = load(version, tracking_uri=uri), load(str(folder / "ours.pt"))
    image = torch.ones(1, *file.prepare.spec.shape)
    assert torch.equal(found.model(image), file.model(image))
    assert not marker.exists()
