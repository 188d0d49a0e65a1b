"""What a reader sees: the pages of `acn-eval ui` in a real browser."""

import shutil

import pytest

from acn_eval.figures import draw_comparison, draw_result
from acn_eval.statistics.comparison import comparison_key
from acn_eval.stores import resolve_store
from acn_eval.tracking import chart_links, record, serving
from tests.chromium import browser
from tests.fakes import saved_pair

pytestmark = [
    pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed"),
    pytest.mark.timeout(300),
]
# How many lines with points a chart holds; MLflow draws a pale twin without points behind each.
LINES = """(title => [...document.querySelectorAll(
    '[data-testid="experiment-view-compare-runs-card"]')]
  .filter(card => card.innerText.startsWith(title))
  .map(card => [...card.querySelectorAll('.scatterlayer .trace')]
    .filter(trace => trace.querySelector('.point')).length)[0])"""
SHOW = """[...document.querySelectorAll('*')].filter(
    element => !element.children.length && element.innerText === %r).at(-1)"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A served store with two arms and their comparison, and an open browser."""
    home = tmp_path_factory.mktemp("shown")
    results, comparisons, artifacts = saved_pair(home / "acn-results")
    for result in results:
        draw_result(result, artifacts[result.key])
    draw_comparison(comparisons[0], artifacts[comparison_key(comparisons[0])])
    recorded = record(results, comparisons, cwd=home, artifacts=artifacts)
    profile = tmp_path_factory.mktemp("profile")
    store = resolve_store(f"sqlite:///{home}/mlflow.db", cwd=home)
    with serving(store, port=0) as server, browser(profile) as page:
        (experiment,) = recorded.experiments.values()
        runs = f"{server.address}/#/experiments/{experiment}/runs"
        yield page, chart_links(server.address), runs, recorded, comparisons[0]


def test_the_curves_of_both_networks_lie_over_each_other(shown, tmp_path):
    page, links, *_ = shown
    page.open(links["acn-eval/robustness, curves"])
    page.wait_for_text("ac_vit", "res_vit", "2 matching runs", "acc/gaussian", "mean/corrupted")
    page.wait_for(f"{LINES}('acc/gaussian') === 2")
    page.wait_for(f"{LINES}('acc/salt_and_pepper') === 2")
    page.screenshot(tmp_path / "curves.png")


def test_the_comparison_is_charted_by_level(shown, tmp_path):
    page, links, *_ = shown
    page.open(links["acn-eval/robustness, comparisons"])
    page.wait_for_text("ac_vit vs res_vit", "1 matching run", "ci_high_pp/gaussian")
    page.evaluate(SHOW % "diff_pp" + ".scrollIntoView()")  # charts are drawn when they are seen
    page.wait_for(f"{LINES}('diff_pp/gaussian') === 1")
    page.screenshot(tmp_path / "comparisons.png")


def test_groups_of_arms_are_lines_of_their_own(shown, tmp_path):
    page, links, *_ = shown
    page.open(links["acn-eval/robustness, architectures"])
    page.wait_for_text("Group: acn", "Group: residual", "acn (acc/gaussian)")
    page.wait_for(f"{LINES}('acc/gaussian') >= 2")  # and the edges of their bands
    page.screenshot(tmp_path / "architectures.png")


def test_tables_have_the_columns_that_matter(shown, tmp_path):
    page, links, _, _, comparison = shown
    page.open(links["acn-eval/robustness, verdicts"])
    page.wait_for_text("acn_eval.verdict", "diff_pp/primary", "ci_low_pp/primary", "1 matching")
    page.wait_for_text("ac_vit vs res_vit", comparison.claim.verdict)
    page.open(links["acn-eval/robustness, checkpoints"])
    page.wait_for_text("mean/corrupted", "acn_eval.connectivity", "residual", "2 matching runs")
    page.screenshot(tmp_path / "checkpoints.png")


def test_the_description_holds_the_verdict_the_table_and_links(shown, tmp_path):
    page, _, runs, recorded, comparison = shown
    page.open(f"{runs}/{recorded.runs[comparison_key(comparison)]}")
    page.wait_for_text(comparison.claim.sentence, "difference [95 %]", "Fair pair")
    page.wait_for("document.querySelectorAll('table th').length > 5")
    page.evaluate(SHOW % "Show more" + ".click()")
    page.evaluate(SHOW % "Description" + ".scrollIntoView()")
    arm = recorded.runs[comparison.candidate.keys[0]]
    page.wait_for(f"""!!document.querySelector('a[href*="{arm}"]')""")
    page.screenshot(tmp_path / "description.png")


def test_artifacts_are_shown(shown, tmp_path):
    page, _, runs, recorded, comparison = shown
    page.open(f"{runs}/{recorded.runs[comparison_key(comparison)]}/artifacts/accuracy.png")
    page.wait_for_text("accuracy.png", "accuracy.svg", "comparison.json", "table.md")
    page.wait_for("[...document.images].some(image => image.naturalWidth > 800)")
    page.screenshot(tmp_path / "figure.png")
