"""What every test stands on: a device, a clean environment, and two tiny trained networks."""

import os
import re
import shutil
import sys
import tempfile

import pytest

# Before torch is imported, here and in every process that a test starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="run the same tests there, e.g. cuda")


def pytest_configure(config):
    """Tests never see the user's MLflow store, cache of outcomes or width of the terminal."""
    for name in [name for name in os.environ if name == "COLUMNS" or name.startswith("MLFLOW_")]:
        del os.environ[name]
    folder = tempfile.TemporaryDirectory(prefix="acn-eval-tests-")
    config.add_cleanup(folder.cleanup)
    os.environ["ACN_EVAL_CACHE"] = folder.name


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Networks that a library initializes are the same in every run, whatever ran before."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


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
    from acn_eval.cache import OutcomeCache

    return OutcomeCache(tmp_path / "outcomes")


@pytest.fixture
def runtime(device, store):
    """Full precision, one small batch, and a store of the test's own."""
    from acn_eval.inference import Runtime

    return Runtime(device, batch_size=32, precision="fp32", store=store)


@pytest.fixture
def states_at_every_step(monkeypatch):
    """Trainings keep their state after every step, and not once a minute."""
    from acn_eval.training.resume import Resume

    monkeypatch.setattr(Resume, "every", 0.0)
    monkeypatch.setattr(Resume, "apart", 0.0)


@pytest.fixture
def stopped_once(states_at_every_step, monkeypatch):
    """A function that stops the first training, and no later one, after a given step.

    It returns a list, to which every training adds the steps that it shows.
    """
    from acn_eval.training.resume import Resume

    tell, shown = Resume.tell, []

    def stop_after(step):
        stopped = []

        def told(resume, done):
            tell(resume, done)
            shown.append(done)
            if done == step and not stopped:
                stopped.append(done)
                raise KeyboardInterrupt

        monkeypatch.setattr(Resume, "tell", told)
        return shown

    return stop_after


@pytest.fixture
def folder(tiny, tmp_path, monkeypatch):
    """A working directory with the tiny pair and a small suite; figures take seconds: no figures.

    Processes of their own do draw them.
    """
    for name in ("tiny_ac.pt", "tiny_res.pt"):
        shutil.copy(tiny / name, tmp_path)
    from tests.tiny import SUITE

    (tmp_path / "small.yaml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("acn_eval.workflow.running.draw_missing", lambda *arguments: None)
    return tmp_path


@pytest.fixture
def call(capsys, monkeypatch):
    """Call ``main``, into a pipe of no stated width; returns (exit code, stdout, stderr)."""
    monkeypatch.delenv("COLUMNS", raising=False)
    from acn_eval.cli.main import main

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return caught.value.code, captured.out, captured.err

    return run


@pytest.fixture
def refused(call):
    """Call ``main`` for an error; returns its one line."""

    def run(code, *arguments):
        got, out, err = call(*arguments)
        assert (got, out) == (code, "")
        assert re.fullmatch(r"acn-eval: [^\n]+\n", err), err
        return err

    return run


@pytest.fixture
def chunks_of(monkeypatch):
    """Call it with a number of images between two writes: a few images are many writes."""

    def choose(size):
        from acn_eval.inference import one_pass

        monkeypatch.setattr(one_pass, "_chunk_size", lambda *facts: size)

    return choose
