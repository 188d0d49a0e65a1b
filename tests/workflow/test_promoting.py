"""Verdicts become tags, versions and promotions in a real registry."""

from dataclasses import replace

import pytest

from acn_eval.errors import ConfigError
from acn_eval.gate import decide
from acn_eval.run_options import RunOptions
from acn_eval.stores import resolve_store
from acn_eval.studies.compare import summarize
from acn_eval.tracking import Registry, find, record
from acn_eval.workflow.promoting import Promotion, keep, promote
from tests.gate.pairs import gate, pair

GOOD, BAD = {"clean": (5, 5)}, {"clean": (0, 100)}


class Here:
    """Records in this process: the one that a `Recorder` starts would import MLflow once more."""

    def __init__(self, store, folder):
        self.store, self.folder = store, folder

    def record(self, results, comparisons=(), *, artifacts=None):
        return record(
            results, comparisons, tracking_uri=self.store.uri, cwd=self.folder, artifacts=artifacts
        )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A store with a registered champion; its tests use models of their own."""
    folder = tmp_path_factory.mktemp("shelf")
    store = resolve_store(None, cwd=folder)
    return folder, Here(store, folder), Registry(store)


def options(folder):
    return RunOptions(baselines=("old.pt",), out=folder / "out")


def gated(shelf, changes, *, name="new", model=None):
    folder, recorder, _ = shelf
    sides = pair(1000, names=(name, "old"), **changes)
    verdict = decide(gate(), *sides)
    results = {side.key: side for side in sides}
    kept = keep(verdict, results, options(folder), Promotion(model), recorder)
    return verdict, kept, sides


def test_the_verdict_becomes_tags_of_the_run_and_the_version(shelf):
    _, record, sides = gated(shelf, GOOD, model="tagged")
    assert record.failure is None
    assert (record.version.name, record.version.number) == ("tagged", "1")
    assert record.version.sha256 == sides[0].checkpoint.sha256
    client = shelf[2].store.client()
    tags = client.get_run(record.version.run).data.tags
    assert tags["acn_eval.gate"] == "pass"
    assert tags["acn_eval.gate_overrides"] == "none"
    assert (tags["acn_eval.gate_name"], tags["acn_eval.gate_baseline"]) == ("toy", "old.pt")
    assert client.get_model_version("tagged", "1").tags["acn_eval.gate"] == "pass"
    again = gated(shelf, GOOD, model="tagged")[1]
    assert again.version == record.version


def test_a_stopped_result_is_kept_but_not_recorded(shelf, tmp_path):
    recorder = shelf[1]
    sides = pair(1000, **GOOD)
    verdict = replace(decide(gate(), *sides), early=True)
    results = {s.key: s for s in sides}
    record = keep(verdict, results, options(tmp_path), Promotion(), recorder)
    assert record.lines[-1] == "not recorded in MLflow: stopped early"
    assert len(list(tmp_path.glob("out/*/result.json"))) == 2


def test_a_stopped_result_is_not_uploaded_later(tmp_path):
    whole, other = pair(1000, **GOOD)
    part = replace(other, details={"stopped_early": {"shown": 1000, "of": 5000}})
    for side in (whole, part):
        side.save(tmp_path)
    assert [result.key for result in find([tmp_path]).results] == [whole.key]
    with pytest.raises(ConfigError, match="must be of all examples that were planned"):
        summarize([part])


def test_promotion_needs_an_anchor_and_keeps_it(shelf):
    registry = shelf[2]
    verdict, record, _ = gated(shelf, GOOD, model="vit")
    wish = Promotion("vit", "champion")
    asked = []

    def judge(uri):
        asked.append(uri)
        return verdict

    with pytest.raises(ConfigError, match="vit must have an anchor"):
        promote(wish, registry, record.version, judge)
    with pytest.raises(ConfigError, match="alias champion not found"):
        registry.version("models:/vit@champion")
    registry.promote(record.version, "first")
    given = replace(wish, anchor="models:/vit@first")
    line = promote(given, registry, record.version, judge)[1]
    assert line == "promoted: models:/vit@champion is models:/vit/1"
    assert registry.version("models:/vit@champion") == record.version
    assert registry.anchor("vit") == "models:/vit/1"  # an alias would move
    promote(wish, registry, record.version, judge)
    assert asked == ["models:/vit/1"] * 2


def test_what_falls_behind_the_anchor_is_not_promoted(shelf):
    registry = shelf[2]
    old = gated(shelf, GOOD, model="drift")[1].version
    registry.promote(old, "champion")
    registry.drop_anchor("drift", old.address)
    new = gated(shelf, GOOD, name="newer", model="drift")[1].version
    assert new.number == "2"
    behind = decide(gate(), *pair(1000, **BAD))
    wish = Promotion("drift", "champion")
    verdict, line = promote(wish, registry, new, lambda uri: behind)
    assert verdict is behind
    assert line.startswith(
        "not promoted: against the anchor models:/drift/1, new is worse than old"
    )
    assert registry.version("models:/drift@champion") == old
