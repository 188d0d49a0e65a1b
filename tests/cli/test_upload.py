"""`acn-eval upload` completes the record of results on disk."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from acn_eval.cli.upload import command
from acn_eval.errors import DataError, TrackingError
from tests.fakes import saved_pair


@pytest.fixture(autouse=True)
def _inside(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)


def upload(*arguments):
    return CliRunner().invoke(command, arguments, catch_exceptions=False).stdout


def test_everything_on_disk_is_recorded_once_with_its_figures(tmp_path):
    saved_pair(tmp_path / "acn-results")
    first = upload()
    assert "acn-eval/robustness" in first
    assert "3 runs are there" in first
    artifacts = sorted(path for path in (tmp_path / "mlruns").rglob("*") if path.is_file())
    assert [path.name for path in artifacts].count("accuracy.svg") == 3
    assert upload("acn-results") == first
    again = sorted(path for path in (tmp_path / "mlruns").rglob("*") if path.is_file())
    assert again == artifacts


def test_one_result_may_be_named(tmp_path):
    saved_pair(tmp_path / "results")
    (folder,) = (tmp_path / "results").glob("robustness-ac_vit-*")
    assert "1 runs are there" in upload(str(folder))


def test_a_folder_without_results_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="must hold results"):
        upload(str(tmp_path))


def test_a_dead_server_is_a_tracking_error_that_names_the_folder(tmp_path):
    saved_pair(tmp_path / "results")
    with pytest.raises(TrackingError, match="acn-eval upload results"):
        upload("results", "--tracking-uri", "http://127.0.0.1:9")


@pytest.mark.parametrize("module", ["ui", "upload"])
def test_help_needs_nothing_heavy(module):
    code = (
        f"import sys; from acn_eval.cli.{module} import command\n"
        "try: command(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'mlflow', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
