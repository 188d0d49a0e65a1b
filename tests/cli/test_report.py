"""`acn-eval report`: what is given, where it goes, and what is said when it cannot be done."""

from dataclasses import replace

import pytest

from tests.fakes import fake_result, saved_pair
from tests.report.pages import Reader


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pair(home):
    return saved_pair(home / "acn-results")


def title(file):
    return Reader(file.read_text(encoding="utf-8")).headings[0][1]


def test_without_arguments_it_reports_the_newest_comparison(home, pair, call):
    code, out, err = call("report")
    assert (code, err) == (0, "")
    assert out == "ac_vit against res_vit: robustness: report.html\n"
    assert title(home / "report.html") == "ac_vit against res_vit: robustness"


def test_files_go_where_they_are_wanted(home, pair, call):
    code, out, _ = call("report", "--out", "new/page.html", "--markdown", "new/page.md")
    assert code == 0
    assert "as Markdown: new/page.md" in out
    assert (home / "new/page.md").read_text().startswith("# ac_vit against res_vit: robustness\n")
    assert "| clean |" in (home / "new/page.md").read_text()
    assert title(home / "new/page.html")


@pytest.fixture
def four(home):
    """Networks that were looked at one by one, as dynamics does; nothing compares them."""
    base = fake_result("ac_vit")
    for k in range(4):
        arch = {**base.checkpoint.arch, "depth": k}
        checkpoint = replace(base.checkpoint, name=f"n{k}", sha256=f"{k}" * 64, arch=arch)
        replace(base, checkpoint=checkpoint).save(home / "acn-results")
    return home


def test_several_that_nothing_compares_are_ranked(four, call):
    assert call("report")[1] == "Ranking of 4 networks: robustness: report.html\n"
    assert title(four / "report.html") == "Ranking of 4 networks: robustness"
    first, second, *_ = sorted(str(f.parent) for f in four.glob("acn-results/*/result.json"))
    assert call("report", first, second)[1] == "n0 against n1: robustness: report.html\n"
    assert call("report", second)[1] == "n1: robustness: report.html\n"


def test_nothing_there_is_one_line_and_2(home, refused):
    assert "acn-results: must be a folder of results" in refused(2, "report")
    (home / "acn-results").mkdir()
    assert "must hold results; got none" in refused(2, "report")


def test_a_place_that_cannot_be_written_is_4(home, pair, call):
    code, _, err = call("report", "--out", "acn-results")
    assert code == 2
    assert "is a directory" in err
    (home / "file").write_text("")
    code, _, err = call("report", "--out", "file/page.html")
    assert code == 4
    assert len(err.splitlines()) == 1
