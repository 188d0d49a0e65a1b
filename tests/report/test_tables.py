"""Tables of the page hold every number of the comparison, to the digit."""

import json
from dataclasses import replace

import pytest

from acn_eval.report.inputs import Material
from acn_eval.report.render import html
from acn_eval.report.sections import page_of
from acn_eval.studies.compare import compare
from tests.fakes import fake_result
from tests.report.pages import Reader, numbers


def shown(estimate, sign=""):
    return "{:{s}.1f} [{:{s}.1f}, {:{s}.1f}]".format(
        *(100 * estimate[k] for k in ("value", "low", "high")), s=sign
    )


@pytest.mark.parametrize("name", ["rows", "primary"])
def test_every_number_of_the_comparison_is_there_to_the_digit(read, facts, name):
    expected = facts["rows"] if name == "rows" else [facts["primary"]]
    rows = read.rows(name)
    assert len(rows) == len(expected)
    for row, fact in zip(rows, expected, strict=True):
        assert row["condition"][0] == fact["name"]
        sides = {"tiny_ac, % [95 %]": "candidate", "tiny_res, % [95 %]": "baseline"}
        for head, side in sides.items():
            assert row[head] == (shown(fact[side]), {k: repr(v) for k, v in fact[side].items()})
        difference = row["difference [95 %]"]
        assert numbers(difference) == fact["difference"]
        assert difference[0] == shown(fact["difference"], "+")
        singles = {"p": "p", "MDE": "mde", "differ on, %": "discordance", "n": "n"}
        if name == "rows":
            band = {"low": fact["band_low"], "high": fact["band_high"]}
            assert numbers(row["simultaneous band"]) == band
            singles["p (Holm)"] = "p_holm"
        for head, field in singles.items():
            assert numbers(row[head]) == {"value": fact[field]}
        assert row["notes"][0] == ", ".join(fact["notes"])


def test_what_the_verdict_rests_on_is_there_to_the_digit(read, facts):
    rows = {row["quantity"][0]: row for row in read.rows("evidence")}
    expected = {**facts["claim"]["evidence"], "error ratio": facts["ratio"]}
    assert list(rows) == list(expected)
    for name, row in rows.items():
        assert numbers(row["estimate [95 %]"]) == expected[name]
    assert rows["loss in logits"]["unit"][0] == "logits"
    assert rows["corrupted"]["unit"][0] == "points"


def test_the_gate_is_there_to_the_digit(read, stored):
    verdict = json.loads((stored / "gate.json").read_text())
    rows = read.tables["gate"][1:]
    assert len(rows) == len(verdict["rules"]) > 4
    for row, rule in zip(rows, verdict["rules"], strict=True):
        assert row[0][0] == rule["name"]
        assert numbers(row[1]) == (rule["estimate"] or {})
    assert sum(rule["estimate"] is not None for rule in verdict["rules"]) >= 5


def test_seeds_show_what_holds_for_these_images_alone():
    def seeds(name):
        for k in range(6):
            found = fake_result(name)
            values = [
                replace(c, values=c.values[::-1].copy() if k % 2 else c.values)
                for c in found.cells
            ]
            training = {**found.checkpoint.training, "seed": k}
            checkpoint = replace(found.checkpoint, sha256=f"{name}{k}", training=training)
            yield replace(found, checkpoint=checkpoint, cells=tuple(values))

    left, right = tuple(seeds("ac_vit")), tuple(seeds("res_vit"))
    comparison = compare(left, right)
    read = Reader(html(page_of(Material(comparison, left, right), ())))
    for row, fact in zip(read.rows("rows"), comparison.rows, strict=True):
        assert numbers(row["these test examples [95 %]"]) == vars(fact.same_images)
        if fact.p_sign_flip is not None:
            assert numbers(row["p (sign flips)"]) == {"value": fact.p_sign_flip}
    assert len(read.rows("files")) == 12


def test_findings_are_there_to_the_digit(about):
    from acn_eval.statistics import Estimate, Finding

    finding = Finding(
        "depth", "%", Estimate(25, 25, 37.5), Estimate(62.5, 50, 75), None, "plug-in"
    )
    comparison = replace(about.comparison, findings=(finding,))
    read = Reader(html(page_of(replace(about, comparison=comparison), ())))
    (row,) = read.rows("findings")
    assert numbers(row["tiny_ac [95 %]"]) == vars(finding.candidate)
    assert numbers(row["tiny_res [95 %]"]) == vars(finding.baseline)
    assert row["difference"] == ("", {})
