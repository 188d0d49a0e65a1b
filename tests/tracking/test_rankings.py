"""A ranking in MLflow: places as metrics, its arms by link, and the way back."""

from dataclasses import replace

import pytest

from acn_eval.figures import draw_rankings
from acn_eval.statistics.ranking import ranking_key, save_ranking
from acn_eval.studies.compare import rank
from acn_eval.tracking import find, record, stored
from acn_eval.tracking.views import pages
from tests.fakes import fake_result
from tests.tracking.recorded import search

HOSTILE = "a/b|<b>\n`c`"


@pytest.fixture
def three(folder):
    """Results, their ranking and their folders, on disk as the command writes them."""
    first, second = fake_result("ac_vit"), fake_result("res_vit")
    about = replace(first.checkpoint, name=HOSTILE, sha256="f" * 64, uri="other.pt")
    results = [first, second, replace(first, checkpoint=about)]
    ranking = rank({r.checkpoint.name: [r] for r in results}, baselines=["res_vit"])
    folders = {r.key: r.save(folder / "kept") for r in results}
    folders[ranking_key(ranking)] = save_ranking(ranking, folder / "kept")
    return results, ranking, folders


def test_a_ranking_is_a_run_that_links_its_arms(three, folder):
    results, ranking, folders = three
    recorded = record(results, [ranking], cwd=folder, artifacts=folders)
    (run,) = search(recorded, "tags.acn_eval.kind = 'ranking'")
    found, tags = run.data.metrics, run.data.tags
    last = ranking.places[-1]
    assert last.label == "res_vit"
    assert found["mean/res_vit"] == pytest.approx(100 * last.end_point.estimate.value)
    assert (found["best_rank/res_vit"], found["worst_rank/res_vit"]) == (last.best, last.worst)
    assert len([name for name in found if name.startswith("ci_low/")]) == 3
    assert set(tags["acn_eval.runs"].split(",")) == {recorded.runs[r.key] for r in results}
    assert tags["acn_eval.letters"] == " ".join(p.letters for p in ranking.places)
    note = tags["mlflow.note.content"]
    assert "res_vit (baseline)" in note
    assert "<b>" not in note
    assert run.data.params["images"] == "360"
    shown = pages()["rankings"]
    assert all(name.split("`")[1] in {**tags, **run.data.params} for name in shown.columns)


def test_recording_it_again_changes_nothing_and_finds_arms_of_before(three, folder):
    results, ranking, folders = three
    first = record(results, [ranking], cwd=folder, artifacts=folders)
    again = record([], [ranking], cwd=folder, artifacts=folders)
    assert again.runs[ranking_key(ranking)] == first.runs[ranking_key(ranking)]
    assert len(search(again, "tags.acn_eval.kind = 'ranking'")) == 1


def test_disk_and_run_give_the_ranking_back_with_its_results(three, folder):
    results, ranking, folders = three
    found = find([folder / "kept"])
    assert (found.rankings, len(found.results)) == ((ranking,), 3)
    recorded = record(results, [ranking], cwd=folder, artifacts=folders)
    run, uri = recorded.runs[ranking_key(ranking)], f"sqlite:///{folder}/mlflow.db"
    with stored([f"runs:/{run}"], uri) as fetched:
        assert fetched.rankings == (ranking,)
        assert {r.key for r in fetched.results} == {r.key for r in results}


def test_a_figure_is_drawn_once(three):
    _, ranking, folders = three
    place = folders[ranking_key(ranking)]
    draw_rankings([ranking], folders)
    drawn = (place / "ranking.svg").read_text()
    assert "res_vit (baseline)" in drawn
    (place / "ranking.svg").write_text("kept")
    draw_rankings([ranking], folders)
    assert (place / "ranking.svg").read_text() == "kept"
