"""What every test stands on: a device, a clean environment, and two tiny trained networks."""

import os
import tempfile

import pytest

# Before torch is imported, here and in every process that a test starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="run the same tests there, e.g. cuda")


def pytest_configure(config):
    """Tests never see the user's MLflow store, nor the user's cache of outcomes."""
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        del os.environ[name]
    folder = tempfile.TemporaryDirectory(prefix="acn-eval-tests-")
    config.add_cleanup(folder.cleanup)
    os.environ["ACN_EVAL_CACHE"] = folder.name


@pytest.fixture(scope="session")
def device(request):
    from acn_eval.inference import resolve_device

    return resolve_device(request.config.getoption("--device"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A folder with ``tiny_ac.pt`` and ``tiny_res.pt``, trained on digits; read it only."""
    from tests.tiny import train_pair

    folder = tmp_path_factory.mktemp("tiny")
    train_pair(folder)
    return folder


@pytest.fixture
def store(tmp_path):
    from acn_eval.inference import Store

    return Store(tmp_path / "outcomes")


@pytest.fixture
def place(device, store):
    """Full precision, one small batch, and a store of the test's own."""
    from acn_eval.inference import Place

    return Place(device, batch_size=32, precision="fp32", store=store)
