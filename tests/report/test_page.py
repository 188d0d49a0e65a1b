"""The page says what is stored, to the digit, and names in it cannot act."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from acn_eval.foreign_text import plain
from acn_eval.report.inputs import Material
from acn_eval.report.page import Text
from acn_eval.report.render import html, markdown
from acn_eval.report.sections import page_of
from acn_eval.results import EvalResult
from acn_eval.studies.compare import compare, summarize
from acn_eval.tracking import find
from tests.fakes import fake_result
from tests.report.pages import Reader, numbers

ORDER = [
    "Verdict",
    "Gate",
    "Curves",
    "Differences",
    "All conditions",
    "What the networks saw",
    "Which classes are confused",
    "Calibration",
    "Fair pair",
    "How it was tested",
    "Read with care",
    "Not measured",
    "Versions and digests",
]
EVIL = "<img src=x onerror=alert(1)>\"'&|`**\n# x"


@pytest.fixture(scope="module")
def read(text):
    return Reader(text)


@pytest.fixture(scope="module")
def facts(stored):
    (file,) = stored.glob("*/comparison.json")
    return json.loads(file.read_text())


def shown(estimate, sign=""):
    return "{:{s}.1f} [{:{s}.1f}, {:{s}.1f}]".format(
        *(100 * estimate[k] for k in ("value", "low", "high")), s=sign
    )


def test_sections_are_in_the_order_in_which_a_person_asks(read):
    assert read.headings[0] == (1, "tiny_ac against tiny_res: small")
    assert read.headings[1:] == [(2, title) for title in ORDER]


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


def test_the_verdict_comes_first_and_in_its_own_words(text, facts):
    said = re.search(r'<p class="verdict [a-z]+">([^<]+)</p>', text)[1]
    assert said.replace("&#39;", "'") == (
        f"{facts['claim']['verdict'].upper()}: {facts['claim']['sentence']}"
    )


def test_digests_and_the_suite_are_there(text, about):
    for result in about.results:
        for fact in (result.checkpoint.sha256, result.key, result.data.fingerprint):
            assert fact in text
    assert about.results[0].noise_digest in text
    assert "- kind: motion_blur" in text
    assert "digest" in text


def test_skips_have_their_reasons(text, about):
    (skip,) = about.candidates[0].skipped
    assert f"tiny_ac, jpeg 1: {skip.reason}" in text


def test_csv_and_markdown_are_the_table(page, facts):
    (table,) = [b for s in page.sections for b in s.blocks if getattr(b, "name", "") == "rows"]
    rows = list(csv.DictReader(io.StringIO(table.csv)))
    for row, fact in zip(rows, facts["rows"], strict=True):
        assert (
            float(row["difference\xa0[95\xa0%] value".replace("\xa0[", " [")])
            == (fact["difference"]["value"])
        )
        assert float(row["p (Holm) value"]) == fact["p_holm"]
    lines = table.markdown.splitlines()
    assert len(lines) == 2 + len(facts["rows"])
    assert len({line.count("|") for line in lines}) == 1
    assert lines[1].strip("| -") == ""
    assert table.markdown in markdown(page)


def test_the_same_material_gives_the_same_bytes(page, text):
    assert html(page) == text


def test_nothing_is_asked_of_the_network_and_nothing_runs(read, text):
    assert {tag for tag, _ in read.tags} & {"script", "link", "iframe", "object", "base"} == set()
    for _, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            target = attributes.get(name, "#")
            assert target.startswith(("#", "data:image/png;base64,"))
    assert "url(" not in text
    assert "@import" not in text


def test_it_can_be_read_without_eyes_and_without_a_mouse(read):
    tags = read.tags
    assert ("html", {"lang": "en"}) in tags
    assert [level for level, _ in read.headings].count(1) == 1
    assert next(a for t, a in tags if t == "a")["href"] == "#content"
    assert all(a.get("alt") for t, a in tags if t == "img")
    assert all(a["role"] == "img" and a["aria-label"] for t, a in tags if t == "svg")
    tables = [a for t, a in tags if t == "table"]
    assert len(read.captions) == len(tables) > 5
    assert all(caption.strip() for caption in read.captions)
    boxes = [a for t, a in tags if a.get("class") == "box"]
    assert len(boxes) == len(tables)
    assert all(b["tabindex"] == "0" and b["role"] == "region" and b["aria-label"] for b in boxes)
    assert all(a.get("scope") in {"row", "col"} for t, a in tags if t == "th")
    anchors = {a["href"][1:] for t, a in tags if t == "a"}
    assert anchors <= {a.get("id") for _, a in tags}


def hostile():
    """A pair that is called something that a browser would run."""
    pair = []
    for name in ("ac_vit", "res_vit"):
        found = fake_result(name)
        checkpoint = replace(
            found.checkpoint, name=EVIL + name, uri=EVIL, training={"recipe": EVIL, "seed": 0}
        )
        data = replace(found.data, classes=(EVIL, *found.data.classes[1:]))
        pair.append(replace(found, checkpoint=checkpoint, data=data, warnings=(EVIL,)))
    return pair


def test_a_name_is_text_and_never_markup():
    left, right = hostile()
    about = Material(compare([left], [right]), (left,), (right,))
    page = page_of(about, (Text(EVIL),))
    read = Reader(html(page))
    assert [a for t, a in read.tags if t == "img"] == []
    assert not [a for _, a in read.tags if "onerror" in a]
    assert read.headings[0][1].startswith(plain(EVIL))
    written = markdown(page)
    assert not [x for x in written.splitlines() if "<img" in x and not x.startswith("    ")]
    assert written.startswith("# &lt;img src=x onerror=alert(1)>\"'&amp;\\|")
    assert all("# x" not in line[:3] for line in written.splitlines())


def test_one_result_alone_is_shown_without_a_verdict():
    found = fake_result("ac_vit")
    read = Reader(html(page_of(Material(None, (found,), ()), ())))
    assert read.headings[0][1] == "ac_vit: robustness"
    rows = read.rows("rows")
    for row, accuracy in zip(rows, summarize([found]), strict=True):
        assert row["condition"][0] == accuracy.name
        assert numbers(row["ac_vit, % [95 %]"]) == vars(accuracy.estimate)
    titles = [title for _, title in read.headings]
    assert "Fair pair" not in titles
    assert "Not measured" in titles


def test_a_comparison_stands_without_its_results(stored):
    comparison = find([stored]).comparisons[0]
    read = Reader(html(page_of(Material(comparison, (), ()), ())))
    titles = [title for _, title in read.headings]
    assert "Curves" in titles
    assert "Calibration" not in titles
    assert len(read.rows("rows")) == len(comparison.rows)


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


def test_calibration_is_that_of_the_cells(read, about):
    import numpy as np

    from acn_eval.statistics.calibration import calibration

    rows = read.rows("calibration")
    assert len(rows) == 4
    for row in rows:
        result = about.sides[row["network"][0]][0]
        clean = row["examples"][0] == "clean examples"
        cells = [c for c in result.cells if (c.condition["corruption"] == "clean") == clean]
        expected = calibration(
            np.concatenate([c.confidence for c in cells]),
            np.concatenate([c.values for c in cells]),
        )
        assert numbers(row["ECE"]) == {"value": expected.ece}
        assert numbers(row["ECE by chance"]) == {"value": expected.chance}
        assert numbers(row["predictions"]) == {"value": sum(len(c.ids) for c in cells)}


def test_a_loaded_result_reports_as_the_one_in_memory(stored, about):
    again = tuple(EvalResult.load(f.parent) for f in sorted(stored.glob("*/result.json")))
    assert {r.key for r in again} == {r.key for r in about.results}
