"""`acn-eval low-data`: what it prints and keeps, and that a kill costs nothing but time."""

import json
import re

import pytest
import yaml

from acn_eval.data import open_examples
from acn_eval.results import EvalResult
from tests.checkpoints.files import official_file, vit_state
from tests.cli.test_processes import outcomes, wait_for
from tests.tiny import recipe, run, start

JOB = ("low-data", "--suite", "few.yaml", "--device", "cpu", "--no-track")
SUITE = {
    "kind": "low_data",
    "mode": "scratch",
    "name": "few",
    "candidate": "ours.yaml",
    "baseline": "theirs.yaml",
    "per_class": [2, 4],
    "draws": 5,
    "repeats": 2,
    "steps": 3,
    "training": "together",
}


def write(folder, **changes):
    (folder / "few.yaml").write_text(yaml.safe_dump({**SUITE, **changes}))


@pytest.fixture
def few(folder):
    """A plan of two tiny networks in the working directory."""
    for name, connectivity in (("ours", "acn"), ("theirs", "residual")):
        plan = recipe(arch={"connectivity": connectivity}, batch=16, warmup=1, pair=None)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(plan.model_dump(mode="json")))
    write(folder)
    return folder


def results(folder):
    return [EvalResult.load(p.parent) for p in sorted(folder.glob("acn-results/*/result.json"))]


def test_the_table(few, call):
    code, out, err = call(*JOB)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.search(
        r"^digits test, n = 352 +ours \(5 draws\) % +theirs \(5 draws\) % +difference", out, re.M
    )
    rows = [re.split(r"  +", line)[0] for line in lines]
    for name in ("2 per class", "4 per class", "loss, 2 per class", "loss, 4 per class"):
        assert rows.count(name) == 1
    for part in ("draw", "initialization", "test images"):
        assert rows.count(f"variance of the area: {part}") == 1
    assert "The sample is draws and examples: this is about other draws" in " ".join(out.split())
    assert len(re.findall(r"^.*ours \(5 draws\) .*theirs \(5 draws\).*: area", out, re.M)) == 1
    assert "Primary endpoint, area over log size" in out
    assert "The pair is fair" in out
    assert "noise" not in out


def test_subsets_lie_beside_their_results(few, call):
    assert call(*JOB)[0] == 0
    found = results(few)
    assert len(found) == 10
    pool = open_examples("digits", "train")
    for path in few.glob("acn-results/few-*/subsets.json"):
        record, result = json.loads(path.read_text()), EvalResult.load(path.parent)
        sizes = [len(s["ids"]) for s in record["subsets"]]
        assert sizes == [20, 40]
        assert set(record["subsets"][0]["ids"]) < set(record["subsets"][1]["ids"]) <= set(pool.ids)
        named = [s["fingerprint"] for s in result.details["subsets"]]
        assert [s["fingerprint"] for s in record["subsets"]] == named
    assert len(list(few.glob("acn-results/few-*/subsets.json"))) == 10


def test_fewer_draws_than_five_claim_nothing(few, call):
    code, out, _ = call(*JOB, "--draws", "2", "--quiet")
    assert code == 0
    assert out.startswith("2 and 2 draws are too few to compare the architectures of ours (2")
    assert "(5 per side are needed)" in out


def test_the_plan_runs_nothing(few, call):
    code, out, err = call(*JOB, "--plan")
    assert (code, err) == (0, "")
    lines = [re.split(r"  +", line) for line in out.splitlines()]
    assert lines[1][:5] == ["ours", "20", "0", "60", "960"]
    assert lines[2][0] == "theirs"
    assert "2, 4 images per class of 1,094, 5 draws, 2 initializations, 3 steps" in out
    assert "nothing was run" in out
    assert not list(few.glob("acn-results/*"))
    assert not outcomes(few)
    call(*JOB, "--draws", "2")
    again = call(*JOB, "--plan")[1].splitlines()
    assert re.split(r"  +", again[1])[:3] == ["ours", "20", "8"]


def test_json_is_pure(few, call):
    code, out, _ = call(*JOB, "--json", "-")
    assert code == 0
    document = json.loads(out)
    assert len(document["results"]) == 10
    assert document["comparison"]["replicate"] == "draw"
    assert len(document["comparison"]["findings"]) == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"per_class": [500]}, "digits: class 0 must have 500 training examples or more; got"),
        ({"candidate": "nosuch.yaml"}, "nosuch.yaml: must be a recipe"),
        ({"steps": 0}, "steps: Input should be greater than 0"),
    ],
)
def test_what_cannot_be_run(few, refused, changes, message):
    write(few, **changes)
    assert message in refused(2, *JOB)


def test_another_kind_of_suite(few, refused):
    got = refused(2, "low-data", "--suite", "robustness", "--no-track")
    assert "must be of kind low_data; got robustness. Use acn-eval robustness." in got
    assert "Use acn-eval low-data." in refused(
        2, "robustness", "--ckpt", "tiny_ac.pt", "--suite", "low_data", "--no-track"
    )


PROBE = {"kind": "low_data", "mode": "probe", "name": "few", "per_class": [2, 4]}


def test_probes_of_a_checkpoint_and_its_twin(few, call, refused):
    (few / "few.yaml").write_text(yaml.safe_dump(PROBE))
    asked = ("--ckpt", "tiny_ac.pt", "--data", "digits")
    code, out, err = call(*JOB, *asked)
    assert (code, err) == (0, "")
    assert "names tiny_res (5 draws) as its baseline" in out
    assert re.search(r"^.*tiny_ac \(5 draws\) .*tiny_res \(5 draws\).*: ", out, re.M)
    assert "about these files, not their architectures" in out
    assert len(list(few.glob("acn-results/few-*/subsets.json"))) == 10
    assert "--ckpt: must name a checkpoint" in refused(2, *JOB)
    assert "--plan: must be of a suite that trains networks of its own" in refused(
        2, *JOB, *asked, "--plan"
    )
    assert "one file a side" in refused(2, *JOB, "--ckpt", "tiny_*.pt", "--data", "digits")


def test_files_of_the_authors_are_probed_by_their_architectures(few, call):
    (few / "few.yaml").write_text(yaml.safe_dump(PROBE))
    for arch in ("official/ac-vit", "official/vit"):
        official_file(few / f"{arch[9:]}.pth.tar", vit_state(arch))
    both = ("--ckpt", "ac-vit.pth.tar", "--baseline", "vit.pth.tar")
    archs = ("--arch", "official/ac-vit:heads=4", "--baseline-arch", "official/vit")
    code, out, err = call(*JOB, *both, *archs, "--data", "digits")
    assert (code, err) == (0, "")
    assert re.search(r"^.*ac-vit \(5 draws\) .*vit \(5 draws\).*: ", out, re.M)


def test_recipes_are_not_given_a_checkpoint(few, refused):
    got = refused(2, *JOB, "--ckpt", "tiny_ac.pt")
    assert "--ckpt: must be left out; few trains networks of its own" in got


@pytest.mark.slow
@pytest.mark.parametrize("way", ["together", "alone"])
def test_a_run_survives_kill_9(few, call, way):
    """Killed twice, between and within trainings; the same command ends with the same table."""
    write(few, steps=10, training=way)
    whole = call(*JOB, "--no-cache", "--out", "whole/acn-results")
    for path in few.glob("cache/*/*"):
        path.unlink()
    for wanted in (1, 3):
        process = start(few, *JOB)
        wait_for(lambda wanted=wanted: len(outcomes(few)) >= wanted, process)
        process.kill()
        process.communicate()
        assert not list(few.glob("acn-results/*"))
    kept = outcomes(few)
    groups = 10 if way == "together" else 40
    assert 3 <= len(kept) < groups
    code, out, err = call(*JOB)
    assert (code, err) == (0, "")
    assert out.replace("results: acn", "results: whole/acn") == whole[1]
    assert kept.items() <= outcomes(few).items()  # nothing is done twice
    assert len(outcomes(few)) == groups


@pytest.mark.slow
def test_a_process_of_its_own_records_the_draws(few):
    write(few, draws=2, repeats=1)
    code, out, err = run(few, "low-data", "--suite", "few.yaml", "--device", "cpu")
    assert (code, err) == (0, "")
    assert "in MLflow" in out
    assert len(list(few.glob("acn-results/compare-*/*.svg"))) == 1
    assert not list(few.glob("acn-results/few-*/*.svg"))
