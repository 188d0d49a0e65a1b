"""The main job, from options to words, files and numbers."""

import json
import os
import re
import shutil

import numpy as np
import pytest

from acn_eval.results import EvalResult
from acn_eval.training import train
from tests.tiny import CPU, recipe

JOB = ("robustness", "--suite", "small.yaml", "--no-track", "--device", "cpu")
VERDICT = r"(No difference between tiny_ac|tiny_ac) [^\n]*tiny_res[^\n]*: "


def strict(text):
    """Parse JSON, and nothing that only JavaScript's relatives accept."""

    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def results(folder):
    return [EvalResult.load(p.parent) for p in sorted(folder.glob("acn-results/*/result.json"))]


@pytest.fixture
def seeds(folder):
    """Three training seeds of either side."""
    for name, connectivity in (("ac", "acn"), ("res", "residual")):
        for seed in range(3):
            plan = recipe(arch={"connectivity": connectivity}, steps=20, seed=seed)
            train(plan, folder / f"{name}_{seed}.pt", device=CPU)
    return folder


def test_the_twin_of_the_card_is_the_baseline(folder, call):
    code, out, err = call(*JOB, "--ckpt", "tiny_ac.pt")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.match(VERDICT, lines[0])
    assert lines[1].startswith("The difference is ")
    assert re.match("digits test, n = 352 +tiny_ac % +tiny_res % +difference", lines[3])
    rows = [line.split("  ")[0] for line in lines[4:9]]
    assert "The card of the checkpoint names tiny_res as its baseline." in lines
    assert rows == ["clean", "gaussian 0.1", "gaussian 0.3", "salt pepper 0.1", "motion blur 3"]
    assert sum(bool(re.match(VERDICT, line)) for line in lines) == 1
    assert any(line.startswith(("The pair is fair", "fair pair")) for line in lines)
    assert "results: acn-results" in out
    assert {r.checkpoint.name for r in results(folder)} == {"tiny_ac", "tiny_res"}
    assert len(list(folder.glob("acn-results/*"))) == 3
    assert "\x1b" not in out


def test_the_same_command_again_finds_everything(folder, call):
    first = call(*JOB, "--ckpt", "tiny_ac.pt")
    files = {p: p.stat().st_mtime_ns for p in folder.glob("acn-results/*/*")}
    assert call(*JOB, "--ckpt", "tiny_ac.pt") == first
    assert {p: p.stat().st_mtime_ns for p in folder.glob("acn-results/*/*.parquet")}.items() <= (
        files.items()
    )


def test_json_is_pure_and_says_what_the_table_says(folder, call):
    _, table, _ = call(*JOB, "--ckpt", "tiny_ac.pt")
    code, out, err = call(*JOB, "--ckpt", "tiny_ac.pt", "--json", "-")
    assert (code, err) == (0, "")
    document = strict(out)
    comparison = document["comparison"]
    flat = " ".join(table.split())
    assert " ".join(comparison["claim"]["sentence"].split()) in flat
    for row in comparison["rows"]:
        shown = f"{100 * row['difference']['value']:+.1f} [{100 * row['band_low']:+.1f}, "
        (line,) = [x for x in table.splitlines() if x.startswith(f"{row['name']} ")]
        assert shown in line
    by_name = {r.checkpoint.name: r for r in results(folder)}
    for one in document["accuracies"]:
        cells = by_name[one["checkpoint"]].cells
        stated = [row["estimate"]["value"] for row in one["rows"]]
        assert stated[:-1] == pytest.approx([float(c.values.mean()) for c in cells])
        assert stated[-1] == pytest.approx(np.mean(stated[1:-1]))
    assert {len(r["cells"]) for r in document["results"]} == {5}
    assert call(*JOB, "--ckpt", "tiny_ac.pt", "--json", "all.json")[0] == 0
    assert strict((folder / "all.json").read_text()) == document


def test_json_without_a_baseline_is_pure_too(folder, call):
    code, out, _ = call(*JOB, "--ckpt", "tiny_ac.pt", "--no-baseline", "--json", "-")
    assert code == 0
    assert strict(out)["comparison"] is None


def test_quiet_is_the_verdict(folder, call):
    code, out, _ = call(*JOB, "--ckpt", "tiny_ac.pt", "--quiet")
    assert code == 0
    assert re.fullmatch(VERDICT + r"[^\n]+\n", out)


def test_alone(folder, call):
    code, out, _ = call(*JOB, "--ckpt", "tiny_ac.pt", "--no-baseline")
    assert code == 0
    assert "tiny_res" not in out
    assert "tiny_ac %" in out
    assert "There is no baseline" not in out
    assert len(results(folder)) == 1


def test_a_card_without_a_twin_is_measured_alone_and_said_so(folder, call):
    train(recipe(steps=3), folder / "single.pt", device=CPU)
    code, out, _ = call(*JOB, "--ckpt", "single.pt")
    assert code == 0
    assert "There is no baseline, because the card names none" in out


def test_a_network_against_itself_is_identical(folder, call):
    code, out, _ = call(*JOB, "--ckpt", "tiny_ac.pt", "--baseline", "tiny_ac.pt")
    assert code == 0
    assert "are identical: same weights" in out


@pytest.mark.parametrize(
    "sides",
    [
        ("--ckpt", "ac_*.pt", "--baseline", "res_*.pt"),
        ("--ckpt", "ac_0.pt,ac_1.pt,ac_2.pt", "--baseline", "res_0.pt,res_[12].pt"),
        ("--ckpt", "ac_0.pt", "--ckpt", "ac_1.pt", "--ckpt", "ac_2.pt", "--baseline", "res_?.pt"),
    ],
    ids=["patterns", "commas", "repeated"],
)
def test_seeds_are_a_statement_about_architectures(seeds, call, sides):
    code, out, err = call(*JOB, *sides, "--limit", "100")
    assert (code, err) == (0, "")
    assert "ac_0 (3 seeds)" in out
    assert "this is about the architectures" in " ".join(out.split())
    assert len(results(seeds)) == 6


def test_options_reach_the_record(folder, call):
    options = ("--seed", 5, "--repeats", 2, "--limit", 30, "--batch-size", 7)
    more = ("--precision", "bf16", "--classes", "0-2,5", "--data", "digits", "--out", "elsewhere")
    code, _, err = call(*JOB, "--ckpt", "tiny_ac.pt", "--no-baseline", *options, *more)
    assert (code, err) == (0, "")
    (path,) = folder.glob("elsewhere/*/result.json")
    result = EvalResult.load(path.parent)
    assert (result.seed, result.data.n, result.precision) == (5, 30, "bf16")
    assert result.data.classes == ("0", "1", "2", "5")
    assert result.suite["repeats"] == 2
    assert len(result.cells) == 1 + 4 * 2


def test_batch_size_never_changes_a_number(folder, call):
    documents = []
    for size in (1, 64):
        job = (*JOB, "--ckpt", "tiny_ac.pt", "--limit", 60, "--batch-size", size, "--no-cache")
        documents.append(strict(call(*job, "--json", "-", "--out", f"out{size}")[1]))
    assert documents[0]["comparison"] == documents[1]["comparison"]


def test_classes_by_map_and_restriction(folder, call):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 8, 8), dtype=np.uint8)
    classes = np.array(["three", "seven"])
    np.savez(folder / "own.npz", images=images, labels=np.arange(20) % 2, classes=classes)
    (folder / "map.yaml").write_text("three: 3\nseven: '7'\n")
    job = (*JOB, "--ckpt", "tiny_ac.pt", "--data", "npz:own.npz", "--no-baseline")
    assert call(*job)[0] == 2
    assert call(*job, "--class-map", "map.yaml", "--restrict")[0] == 0
    (result,) = results(folder)
    assert set(result.cells[0].predicted) <= {0, 1}
    assert result.checkpoint.preprocessing["restricted"] is True
    (folder / "map.yaml").write_text("three: 3\nseven: null\n")
    code, out, _ = call(*job, "--class-map", "map.yaml")
    assert code == 0
    assert "the class map leaves out 1 of 2 classes, 10 of 20 images" in " ".join(out.split())


def test_the_preparation_is_stated_and_can_be_chosen(folder, call):
    job = (*JOB, "--ckpt", "tiny_ac.pt", "--baseline", "tiny_res.pt", "--limit", 5)
    assert call(*job, "--crop-pct", 0.5, "--interpolation", "bicubic")[0] == 0
    for result in results(folder):
        facts = result.checkpoint.preprocessing
        assert facts["interpolation"] == "bicubic of Pillow"
        assert (facts["crop_pct"], facts["crop_mode"]) == (0.5, "center")
    assert call(*job, "--crop-mode", "diagonal")[0] == 2


def test_a_bare_name_is_found_here_first(folder, call):
    (folder / "sub").mkdir()
    shutil.copy("tiny_ac.pt", "sub")
    assert call(*JOB, "--ckpt", "sub/tiny_ac.pt", "--no-baseline", "--limit", 5)[0] == 0


def test_the_cache_is_shown_and_pruned(folder, call):
    call(*JOB, "--ckpt", "tiny_ac.pt", "--limit", 50)
    code, out, _ = call("cache", "info")
    assert code == 0
    assert out.startswith(f"{folder / 'cache'}: ")
    code, out, err = call("cache", "prune")
    assert (code, out) == (2, "")
    assert "Missing option '--max-mb'" in err
    assert list(folder.glob("cache/*/*.outcomes"))
    assert call("cache", "prune", "--max-mb", 0) == (0, "freed 0.0 MB\n", "")
    assert not list(folder.glob("cache/*/*"))


def test_a_folder_of_others_is_no_cache(folder, call, refused, monkeypatch):
    """Neither a measurement nor the commands about the cache touch what they did not write."""
    stranger = folder / "photos" / "2024" / "film.mov"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(bytes(3000))
    os.utime(stranger, (1000, 1000))
    monkeypatch.setenv("ACN_EVAL_CACHE", str(folder / "photos"))
    for command in ((*JOB, "--ckpt", "tiny_ac.pt"), ("cache", "info"), ("cache", "prune")):
        size = ("--max-mb", 0) if command[-1] == "prune" else ()
        err = refused(2, *command, *size)
        assert f"{folder}/photos: must be empty or a store of acn-eval; it holds 2024" in err
    assert [p for p in (folder / "photos").rglob("*") if p.is_file()] == [stranger]
    assert stranger.stat().st_mtime == 1000


@pytest.mark.parametrize(
    ("metric", "name", "unit", "number"),
    [
        ("brier", "Brier score", "", r"[+-]\d\.\d{3}"),
        ("balanced_accuracy", "balanced accuracy", " %", r"[+-]\d+\.\d"),
    ],
)
def test_another_metric_is_in_its_unit_everywhere(folder, call, metric, name, unit, number):
    job = (*JOB, "--ckpt", "tiny_ac.pt", "--metric", metric)
    code, out, _ = call(*job)
    assert code == 0
    sentence, certainty, _, head, row, *_ = out.splitlines()
    assert name in sentence or sentence.startswith("No difference")
    assert re.search(rf"\d against [\d.]+{unit or '[.,]'}", sentence)
    assert re.match(rf"The difference is {number}( points)? \[{number}, {number}\]", certainty)
    assert re.match(rf"{name}, digits test, n = 352 +tiny_ac{unit} +tiny_res{unit} +diff", head)
    assert re.search(rf" {number} \[{number}, {number}\] ", row)
    document = strict(call(*job, "--json", "-")[1])
    assert document["metric"] == metric
    found = document["comparison"]
    assert (found["quantity"]["name"], found["quantity"]["unit"]) == (name, unit.strip())
    assert found["claim"]["sentence"] == sentence
    assert document["accuracies"][0]["rows"][0]["quantity"]["name"] == name
    code, out, _ = call(*job, "--no-baseline")
    first, _, head, *_ = out.splitlines()
    assert re.match(rf"tiny_ac: {name}, mean corrupted [\d.]+ \[[\d., ]+\]{unit} \(95 % ", first)
    assert re.match(rf"{name}, digits test, n = 352 +tiny_ac{unit} +notes", head)
    stored = [str(p.parent) for p in folder.glob("acn-results/*/result.json")]
    code, again, _ = call("compare", *stored, "--metric", metric, "--json", "-")
    assert strict(again)["comparison"]["quantity"] == found["quantity"]


def test_an_unknown_metric_is_refused_before_anything_is_measured(folder, call):
    code, out, err = call(*JOB, "--ckpt", "tiny_ac.pt", "--metric", "brie")
    assert (code, out) == (2, "")
    assert "Did you mean brier?" in err
    assert not (folder / "acn-results").exists()
