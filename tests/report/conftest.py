"""A stored pair that was really measured, small, and a page of it."""

import json

import pytest

from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.gate import decide, read_gate
from acn_eval.report.examples import examples_of, galleries
from acn_eval.report.inputs import Material, material
from acn_eval.report.render import html
from acn_eval.report.sections import page_of
from acn_eval.results import EvalResult
from acn_eval.statistics.comparison import save_comparison
from acn_eval.studies.compare import compare
from acn_eval.tracking import find
from tests.report.pages import Reader
from tests.tiny import SUITE
from tests.training.texts import classes, trained

WITH_A_SKIP = SUITE.replace("repeats", "  - {kind: jpeg, levels: [1]}\nrepeats")
GATE = """\
kind: gate
name: small-gate
suite: small.yaml
margins: {primary: 0.1, clean: 0.1, cell: 0.3}
floors: {mean corrupted: 0.2}
"""
TYPOS = """\
kind: robustness
name: typos
corruptions:
  - {kind: keyboard, levels: [0.1]}
  - {kind: drop_words, levels: [0.2, 0.4]}
repeats: 1
"""


@pytest.fixture(scope="package")
def stored(tiny, tmp_path_factory):
    """A folder with two results of 80 digits, their comparison, and the verdict of a gate."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "small.yaml").write_text(WITH_A_SKIP)
    (folder / "gate.yaml").write_text(GATE)
    files = [str(tiny / "tiny_ac.pt"), str(tiny / "tiny_res.pt")]
    results = evaluate(files, str(folder / "small.yaml"), DataSelection(limit=80))
    out = folder / "results"
    results = [EvalResult.load(result.save(out)) for result in results]
    save_comparison(compare(results[:1], results[1:]), out)
    verdict = decide(read_gate(str(folder / "gate.yaml")), *results)
    facts = verdict.to_dict() | {"exit_code": verdict.exit_code}
    (out / "gate.json").write_text(json.dumps(facts))
    return out


@pytest.fixture(scope="package")
def about(stored):
    return material(find([stored]))


@pytest.fixture(scope="package")
def page(about):
    return page_of(about, galleries(about, examples_of(about.candidates[0])))


@pytest.fixture(scope="package")
def text(page):
    return html(page)


@pytest.fixture(scope="package")
def read(text):
    return Reader(text)


@pytest.fixture(scope="package")
def facts(stored):
    (file,) = stored.glob("*/comparison.json")
    return json.loads(file.read_text())


@pytest.fixture(scope="package")
def about_text(tmp_path_factory):
    """What a report reads of a network that was shown sentences, and has learned nothing."""
    folder = tmp_path_factory.mktemp("text")
    (folder / "typos.yaml").write_text(TYPOS)
    trained(classes(steps=1, warmup=1), folder / "idle.pt")
    suite, data = str(folder / "typos.yaml"), DataSelection(limit=80)
    return Material(None, tuple(evaluate([str(folder / "idle.pt")], suite, data)), ())
