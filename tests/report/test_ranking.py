"""The page of a ranking: places, pairs, conditions and facts, each to the digit."""

from dataclasses import replace

import pytest

from acn_eval.report.inputs import Standing, material
from acn_eval.report.ranking import ranking_page
from acn_eval.report.render import html, markdown
from acn_eval.statistics.ranking import save_ranking
from acn_eval.studies.compare import rank
from acn_eval.tracking import find
from tests.fakes import fake_result
from tests.report.pages import HOSTILE, Reader, numbers


def networks():
    """Three networks, of which one has a hostile name and is shown images of another size."""
    first, second = fake_result("ac_vit"), fake_result("res_vit")
    about = {"name": HOSTILE[0], "sha256": "f" * 64, "arch": {"kind": "other"}}
    read = {"preprocessing": {"size": 16, "channels": 1}}
    third = replace(first.checkpoint, **about, **read)
    return [first, second, replace(first, checkpoint=third, noise_digest="another")]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranking")
    results = networks()
    ranking = rank({r.checkpoint.name: [r] for r in results}, baselines=["res_vit"])
    for result in results:
        result.save(folder)
    return ranking, save_ranking(ranking, folder), folder


def test_every_number_of_the_ranking_is_on_the_page(kept):
    ranking, place, _ = kept
    about = material(find([place]))
    assert isinstance(about, Standing)
    assert len(about.results) == 3
    page = ranking_page(about)
    read = Reader(html(page))
    for row, own in zip(read.rows("places"), ranking.places, strict=True):
        cells = dict(row)
        assert cells["network"][0] == " ".join(own.named.split())
        assert cells["letters"][0] == own.letters
        assert cells["pixels"][0] == own.pixels != ""
        (mean,) = [cell for head, cell in cells.items() if head.startswith("mean corrupted")]
        assert numbers(mean) == vars(own.end_point.estimate)
    assert [numbers(row["p (Holm)"])["value"] for row in read.rows("pairs")] == [
        pair.p_holm for pair in ranking.pairs
    ]
    assert len(read.rows("rows")) == len(ranking.places[0].rows) == 7
    assert len(read.rows("facts")) == 3
    assert not any(tag == "script" for tag, _ in read.tags)


def test_the_chart_says_its_numbers_in_words_and_the_page_what_limits_it(kept):
    ranking, place, _ = kept
    text = html(ranking_page(material(find([place]))))
    (label,) = [own["aria-label"] for tag, own in Reader(text).tags if tag == "svg"]
    for own in ranking.places:
        assert ranking.quantity.limits(*vars(own.end_point.estimate).values()) in label
    assert "Not all networks are shown the same pixels" in text
    assert "so the same noise fell on other pixels" in text
    assert "| res_vit (baseline) |" in markdown(ranking_page(material(find([place]))))


def test_results_that_nothing_compares_yet_are_ranked(kept):
    ranking, _, folder = kept
    files = sorted(f.parent for f in folder.glob("*/result.json"))
    about = material(find(files), baseline="res_vit")
    assert about.ranking == ranking
    assert material(find(files)).ranking.places[0].rows == ranking.places[0].rows
    assert material(find([folder])).ranking == ranking


def test_without_its_results_the_page_is_still_there(kept, tmp_path):
    ranking, *_ = kept
    about = material(find([save_ranking(ranking, tmp_path)]))
    assert about.results == ()
    assert "are not stored beside it" in html(ranking_page(about))
