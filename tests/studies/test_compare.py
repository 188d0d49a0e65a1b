"""A comparison says which study it is of, and is in the metric of its data."""

import json
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.errors import ConfigError
from acn_eval.statistics.comparison import load_comparison, save_comparison
from acn_eval.studies.compare import (
    analysis_about,
    by_metric,
    compare,
    entries_of,
    labelled,
    look,
    metrics_for,
    networks,
    rank,
    summarize,
)
from acn_eval.studies.table import STUDIES
from tests.fakes import deep_result, fake_result
from tests.statistics.results import CLEAN, WEAK, result
from tests.statistics.test_metrics import network


@pytest.mark.parametrize(
    ("side", "kind", "field"),
    [(fake_result, "robustness", "level"), (deep_result, "compression", "exit")],
)
def test_a_comparison_names_its_study_and_an_older_one_has_any_axis(side, kind, field, tmp_path):
    comparison = compare([side("ac_vit")], [side("res_vit")])
    conditions = [row.condition for row in comparison.rows]
    assert comparison.kind == kind
    assert analysis_about(comparison) is STUDIES[kind].analysis
    folder = save_comparison(comparison, tmp_path)
    facts = json.loads((folder / "comparison.json").read_text())
    del facts["kind"]
    (folder / "comparison.json").write_text(json.dumps(facts))
    older = analysis_about(load_comparison(folder))
    assert older.curves(conditions) == analysis_about(comparison).curves(conditions)
    assert older.curves(conditions).axis.field == field


def paraphrases(name, seed, **details):
    """One of two classes for each of 300 examples."""
    labels = np.random.default_rng(7).integers(0, 2, 300)
    conditions = {False: CLEAN, True: WEAK}
    cells = [
        replace(network(labels, 2, seed + own, 2.0)[0], condition=condition, primary=own)
        for own, condition in conditions.items()
    ]
    return result(name, cells, about={"sha256": name}, details=details)


@pytest.fixture
def pair():
    return [paraphrases(n, s, metrics=["f1", "accuracy"]) for n, s in (("acn", 1), ("res", 5))]


def test_the_metric_is_that_of_the_data_unless_another_is_asked_for(pair):
    f1, accuracy = ((compare(pair[:1], pair[1:], metric=m)) for m in ("f1", "accuracy"))
    assert compare(pair[:1], pair[1:]) == f1 != accuracy
    assert summarize(pair[:1]) == summarize(pair[:1], metric="f1")
    assert [*by_metric(pair[:1])][:2] == ["f1", "accuracy"]
    assert rank({"a": pair[:1], "b": pair[1:]}).quantity.name == "F1 of class 1"
    assert metrics_for(pair) == ("f1", "accuracy")
    assert metrics_for(pair, "matthews") == ("matthews",)


def test_of_data_that_states_none_it_is_accuracy():
    plain = [paraphrases("acn", 1), paraphrases("res", 5)]
    assert compare(plain[:1], plain[1:]) == compare(plain[:1], plain[1:], metric="accuracy")
    assert next(iter(by_metric(plain[:1]))) == "accuracy"


def test_a_verdict_about_depth_is_in_accuracy_with_the_metric_of_the_data_beside_it():
    result = replace(deep_result("ac_vit"), details={"metrics": ["matthews"]})
    assert metrics_for([result]) == ("accuracy", "matthews")


@pytest.mark.parametrize("stated", [["kappa"], [5], [None]])
def test_a_metric_that_is_none_is_one_line(stated):
    with pytest.raises(ConfigError, match=r"metric: must be one of accuracy, .*; got \S+$"):
        summarize([paraphrases("acn", 1, metrics=stated)])


def test_looks_before_the_end_are_in_accuracy_alone(pair):
    with pytest.raises(ConfigError, match="`sequential`: metric must be accuracy; got f1"):
        look(*pair, total=300)
    plain = [paraphrases("acn", 1), paraphrases("res", 5)]
    assert look(*pair, total=300, metric="accuracy") == look(*plain, total=300)


def test_equal_names_are_told_apart_by_their_files_or_else_by_their_keys():
    one = fake_result("ac_vit")

    def read(uri, sha):
        about = replace(one.checkpoint, name="resnet18", uri=uri, sha256=sha)
        return replace(one, checkpoint=about)

    files = [read("timm:resnet18@runs/a.pt", "a"), read("timm:resnet18@b.safetensors", "b")]
    assert [*entries_of([*files, one], group=False)] == ["resnet18 a", "resnet18 b", "ac_vit"]
    same = [read("hf:x/final", "a"), read("hf:y/final", "b")]
    assert [*entries_of(same, group=False)] == [f"resnet18 {r.key[:6]}" for r in same]
    assert [r.key for [r] in labelled([[r] for r in same]).values()] == [r.key for r in same]


def test_networks_are_told_apart_by_what_is_recorded():
    """Seeds of one recipe are one network; other recipes, and files without one, are others."""
    one = fake_result("ac_vit")

    def trained(name, **training):
        about = replace(one.checkpoint, name=name, uri=f"{name}.pt", training=training)
        return replace(one, checkpoint=about)

    seeds = [trained(f"s{k}", recipe="short", data="digits", seed=k) for k in range(2)]
    others = [trained("long", recipe="long", data="digits", seed=0)]
    unknown = [trained("u0"), trained("u1")]
    every = [seeds[0], *others, unknown[0], seeds[1], unknown[1]]

    def names(*, group):
        return [[r.checkpoint.name for r in own] for own in networks(every, group=group)]

    assert names(group=False) == [["s0", "s1"], ["long"], ["u0"], ["u1"]]
    assert names(group=True) == [["s0", "s1"], ["long"], ["u0", "u1"]]
    assert len(entries_of(every, group=True)) == 3
