"""What every study in the table keeps, each asked a small real question by its own command.

One of them, rotation, is an installed package that acn-eval has never heard of.
"""

import io
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
import yaml

from acn_eval.cache import OutcomeCache
from acn_eval.cli.main import cli
from acn_eval.gate import Gate, decide
from acn_eval.results import EvalResult
from acn_eval.statistics.comparison import load_comparison
from acn_eval.studies.compare import summarize
from acn_eval.studies.read import read_suite, schema
from acn_eval.studies.table import studies, study
from acn_eval.tracking.result_run import arm_run
from acn_eval.tracking.run_content import end_point_key
from acn_eval.tracking.views import pages
from tests.contracts.processes import asked, elsewhere, killed
from tests.studies.continual.plans import suite as continual
from tests.studies.dynamics.plans import suite as dynamics
from tests.studies.low_data.plans import suite as low_data
from tests.tiny import SUITE

NOISE = yaml.safe_load(SUITE) | {"corruptions": [{"kind": "gaussian", "levels": [0.1, 0.3]}]}
TINY = ("--ckpt", "tiny_ac.pt", "--limit", "60")
TOY = Path(__file__).parents[1] / "toys" / "study"
JOBS = {
    "rotation": ({"kind": "rotation", "name": "turned"}, TINY),
    "robustness": (NOISE, TINY),
    "compression": (
        {"kind": "compression", "name": "exits", "noise": NOISE, "seconds": 1e-6},
        TINY,
    ),
    "pruning": (
        {
            "kind": "pruning",
            "name": "sparse",
            "sparsities": [0, 0.5],
            "methods": [{"kind": "magnitude"}],
            "seconds": 1e-6,
        },
        TINY,
    ),
    "transfer": (
        {"kind": "transfer", "name": "probes", "protocols": ["ridge"]},
        (*TINY, "--data", "digits", "--classes", "5-9"),
    ),
    "low_data": (low_data(draws=5).model_dump(mode="json"), ("--limit", "60")),
    "dynamics": (dynamics().model_dump(mode="json"), ("--limit", "60")),
    "continual": (continual(seeds=3).model_dump(mode="json"), ("--limit", "60")),
}

SELECTION = {"transfer": {"data": "digits", "classes": ("5-9",)}}


@dataclass(frozen=True)
class Said:
    """What the command of a study kept and printed, 200 columns wide.

    A process that did the same was killed before.
    """

    fields: dict
    folder: Path
    units: list
    before: dict
    results: list
    comparison: object
    printed: str

    @property
    def names(self):
        return [row.name for row in summarize(self.results[:1])]


@pytest.fixture(scope="module", autouse=True)
def _installed():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOY))
        yield


def test_every_study_is_asked():
    assert JOBS.keys() == studies().keys()


def kept(folder, name):
    return sorted(folder.glob(f"acn-results/*/{name}"))


def inodes(folder):
    """What a cache keeps; a file that is written again is another one."""
    return {file: file.stat().st_ino for file in folder.rglob("*.outcomes")}


def command(*arguments):
    out = io.StringIO()
    with redirect_stdout(out):
        cli.main(arguments, prog_name="acn-eval", standalone_mode=False)
    return out.getvalue()


@pytest.fixture(scope="module", params=JOBS)
def said(request, tiny, tmp_path_factory):
    kind, folder = request.param, tmp_path_factory.mktemp(request.param)
    fields, arguments = JOBS[kind]
    networks = ("tiny_ac.pt", "tiny_res.pt")
    for name in networks:
        shutil.copy(tiny / name, folder)
    (folder / "suite.yaml").write_text(yaml.safe_dump(fields))
    name, cache = kind.replace("_", "-"), folder / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ACN_EVAL_CACHE", str(cache))
        patch.setenv("COLUMNS", "200")
        question = ("suite.yaml", networks if "--ckpt" in arguments else (), cache)
        killed(*question, **SELECTION.get(kind, {}), limit=60)
        before = inodes(cache)
        units = list(asked(*question, **SELECTION.get(kind, {}), limit=60).units())
        printed = command(
            name, "--suite", "suite.yaml", *arguments, "--no-track", "--device", "cpu"
        )
    results = [EvalResult.load(at.parent) for at in kept(folder, "result.json")]
    compared = [load_comparison(at.parent) for at in kept(folder, "comparison.json")]
    return Said(fields, folder, units, before, results, compared[0] if compared else None, printed)


def test_a_killed_run_goes_on_from_the_units_that_it_finished(said):
    after = inodes(said.folder / "cache")
    assert said.before
    assert len(said.before) < len(after) or len(said.units) == 1
    assert said.before.items() <= after.items()


def test_a_unit_needs_nothing_but_its_description(said):
    """Bytes of a killed run and its second half, against those of pickles in another process."""
    elsewhere(said.units, said.folder / "elsewhere")
    here, there = (OutcomeCache(said.folder / name) for name in ("cache", "elsewhere"))
    addresses = [unit.address for unit in said.units]
    assert len(set(addresses)) == len(addresses)
    for address in addresses:
        assert here.read(address) == there.read(address) is not None


def test_it_asks_a_question_and_has_a_line_of_help(said):
    kind = said.fields["kind"]
    suite = read_suite(str(said.folder / "suite.yaml"), kind)
    assert suite.question.endswith("?")
    assert study(kind).help.endswith(("?", "."))
    assert study(kind).help in command("--help").replace("\n" + " " * 15, " ")


def test_its_schema_takes_its_suite_and_no_misspelt_one(said):
    jsonschema.validate(said.fields, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**said.fields, "misspelt": 1}, schema())


def test_every_condition_has_a_name_of_its_own(said):
    for result in said.results:
        names = [row.name for row in summarize([result])]
        assert len(set(names)) == len(names)
        assert all(name and "None" not in name for name in names)


def test_the_whole_network_is_a_part_of_its_cells(said):
    """Draws of training sets are many networks: none of them is the whole one."""
    for result in said.results:
        cells = [cell for cell in result.cells if cell.measure == "correct"]
        whole = study(said.fields["kind"]).analysis.whole(cells)
        assert {id(cell) for cell in whole} <= {id(cell) for cell in cells}
        assert bool(whole) == (said.fields["kind"] != "low_data")


def test_its_curves_run_over_its_axis(said):
    analysis = study(said.fields["kind"]).analysis
    *rows, _ = summarize(said.results[:1])
    found = analysis.curves([row.condition for row in rows])
    assert found.axis in analysis.axes or (not analysis.axes and found.axis.field == "level")
    assert max(len(line) for line in found.drawn().values()) > 1
    assert found.axis.label


def test_its_endpoint_has_a_column_in_mlflow(said):
    content = arm_run(said.results[0])
    key = end_point_key(said.names[-1])
    assert f"metrics.`{key}`" in pages()["checkpoints"].columns
    assert key in {point.key for point in content.points}
    assert content.step
    assert {point.key for point in content.points if point.step > 0}


def test_its_table_names_the_networks_and_the_endpoint(said):
    names = {result.checkpoint.name.partition(" draw")[0] for result in said.results}
    assert all(name.partition(" seed")[0] in said.printed for name in names)
    if said.comparison is not None:
        assert said.names[-1] in said.printed
        assert said.comparison.claim.sentence in " ".join(said.printed.split())


def test_it_is_drawn(said):
    drawn = {file.parent.name for file in kept(said.folder, "accuracy.svg")}
    assert drawn
    if said.comparison is not None:
        assert any(name.startswith("compare-") for name in drawn)


def test_a_report_has_its_curves_and_all_its_conditions(said):
    own, *_ = kept(said.folder, "comparison.json") + kept(said.folder, "result.json")
    page, text = said.folder / "page.html", said.folder / "page.md"
    command("report", str(own.parent), "--out", str(page), "--markdown", str(text))
    assert "Curves" in page.read_text()
    assert all(name in text.read_text() for name in said.names)


def test_a_gate_judges_it_or_says_why_not(said):
    suite = str(said.folder / "suite.yaml")
    gate = Gate(name="any", suite=suite, margins={"primary": 0.02})
    keys = said.comparison.baseline.keys if said.comparison else (said.results[-1].key,)
    (baseline,) = (result for result in said.results if result.key == keys[0])
    verdict = decide(gate, said.results[0], baseline)
    assert verdict.verdict in {"pass", "fail", "no_verdict"}
    assert "\n" not in verdict.sentence
    if verdict.rules:
        assert verdict.rules[0].name == said.names[-1]
    else:
        assert verdict.verdict == "no_verdict"
