"""The page about stored results: repeatable, with a baseline of choice, and without data."""

import shutil

import pytest

from tests.fakes import saved_pair


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pair(home):
    return saved_pair(home / "acn-results")


def test_twice_is_the_same_file(home, pair, call):
    call("report")
    first = (home / "report.html").read_bytes()
    call("report")
    assert (home / "report.html").read_bytes() == first


def test_the_baseline_can_be_named(home, pair, call, refused):
    results, _, artifacts = pair
    folders = [artifacts[r.key] for r in results]
    code, out, _ = call("report", *folders, "--baseline", "ac_vit")
    assert code == 0
    assert out.startswith("res_vit against ac_vit")
    assert "must be one of ac_vit, res_vit" in refused(2, "report", *folders, "--baseline", "x")


def test_one_result_and_data_that_are_not_there(home, pair, call):
    results, _, artifacts = pair
    shutil.rmtree(next(home.glob("acn-results/compare*")))
    code, out, _ = call("report", artifacts[results[0].key])
    assert (code, out) == (0, "ac_vit: robustness: report.html\n")
    text = (home / "report.html").read_text(encoding="utf-8")
    assert "The examples are not shown: " in text
    assert "Calibration" not in text  # the outcomes hold no confidences
