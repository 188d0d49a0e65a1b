"""A table of the page is also CSV and Markdown."""

import csv
import io

from acn_eval.report.render import markdown
from acn_eval.results import EvalResult


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


def test_a_loaded_result_reports_as_the_one_in_memory(stored, about):
    again = tuple(EvalResult.load(f.parent) for f in sorted(stored.glob("*/result.json")))
    assert {r.key for r in again} == {r.key for r in about.results}
