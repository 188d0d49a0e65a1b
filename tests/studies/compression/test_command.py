"""The compression command: exits, cuts, costs, verdict, the cut as a file, and what is refused."""

import json
import re

import numpy as np
import pytest
import torch
import yaml

from acn_eval.checkpoints import load
from acn_eval.results import EvalResult
from acn_eval.studies.compression.depth import cut_of
from tests.tiny import SUITE, run

JOB = ("compression", "--suite", "exits.yaml", "--no-track", "--device", "cpu")
PAIR = (*JOB, "--ckpt", "tiny_ac.pt")
ALONE = (*PAIR, "--no-baseline")
VERDICT = r"(No difference between tiny_ac|tiny_ac) [^\n]*tiny_res[^\n]*: [^\n]+\n"


@pytest.fixture(autouse=True)
def _suite(folder):
    """Compression under the small noise, its latencies hardly measured."""
    fields = {"kind": "compression", "noise": yaml.safe_load(SUITE), "seconds": 1e-6}
    tasks = {"exits": {}, "tasks": {"first_classes": [2, 5]}}
    for name, more in tasks.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**fields, "name": name, **more}))


def results(folder):
    found = [EvalResult.load(p.parent) for p in sorted(folder.glob("acn-results/*/result.json"))]
    return {result.checkpoint.name: result for result in found}


def line_of(out, start):
    (line,) = [line for line in out.splitlines() if line.startswith(start)]
    return line


def test_the_table_the_cuts_the_costs_and_the_verdict(folder, call):
    code, out, err = call(*PAIR)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.match(VERDICT, f"{lines[0]}\n")
    assert "The card of the checkpoint names tiny_res as its baseline." in lines
    start = next(i for i, line in enumerate(lines) if line.startswith("digits test, n = 352"))
    exits = ["exit 0", "exit 1", "exit 2", "exit cut", "exit last"]
    early = [f"exit early, policy {name}" for name in ("entropy", "confidence", "patience")]
    assert [re.split(r"  +", line)[0] for line in lines[start + 1 : start + 9]] == exits + early
    found = results(folder)
    for name, result in found.items():
        cut = cut_of(result)
        said = line_of(out, f"{name} needs")
        assert f"needs {cut.estimate} of 2 blocks" in said
        assert f"within 2 points [95 %: {cut.low} to {cut.high}]" in said
        assert said.endswith(f"chose {result.details['validation']['cut']}.")
        last = 100 * result.cells[2].values.mean()
        assert f"{last:.1f} [" in line_of(out, "exit 2")
        cost = line_of(out, f"{name}, whole")
        assert f"{result.checkpoint.parameters:,}" in cost
        for row in result.details["early_exit"]:
            if row["chosen"]:
                point = line_of(out, f"{name}, {row['rule']}")
                assert f"{row['threshold']:g}" in point
                assert f"{row['mean_exit']:.2f}" in point
                share = 100 * row["flops"] / result.checkpoint.flops
                assert f"{share:.0f} %" in point
    assert sum(bool(re.match(VERDICT, f"{line}\n")) for line in lines) == 1
    assert "Share of the network needed: " in out


def test_json_says_what_the_table_says(folder, call):
    code, out, err = call(*PAIR, "--json", "-")
    assert (code, err) == (0, "")
    document = json.loads(out)
    details = {r["checkpoint"]["name"]: r["details"] for r in document["results"]}
    for name, result in results(folder).items():
        assert details[name]["validation"] == dict(result.details)["validation"]
    (finding,) = document["comparison"]["findings"]
    assert finding["name"] == "share of the network needed"


def test_alone_there_are_no_bands_and_no_verdict(folder, call):
    code, out, _ = call(*ALONE)
    assert code == 0
    assert "tiny_ac needs" in out
    assert "tiny_ac %" in out
    assert "band" not in out
    assert "tiny_res" not in out


def test_quiet_is_the_verdict_also_where_a_file_is_written(folder, call):
    code, out, _ = call(*PAIR, "--quiet", "--export", "cut.pt")
    assert code == 0
    assert re.fullmatch(VERDICT, out)
    assert (folder / "cut.pt").is_file()


def test_the_tolerance_reaches_the_suite_and_the_words(folder, call):
    code, out, _ = call(*ALONE, "--tolerance", "0.3")
    assert code == 0
    assert "within 30 points" in out
    assert cut_of(results(folder)["tiny_ac"]).tolerance == 0.3


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_what_is_exported_is_the_proven_cut_and_answers_as_the_exit(folder, call, suffix):
    out_file = f"cut{suffix}"
    code, out, err = call(*ALONE, "--tolerance", "0.7", "--export", out_file)
    assert (code, err) == (0, "")
    cut = cut_of(results(folder)["tiny_ac"])
    assert cut.high < 2  # or there was nothing to cut
    size = (folder / out_file).stat().st_size / 1e6
    line = line_of(out, out_file)
    assert line == f"{out_file}: tiny_ac cut at exit {cut.high}, the proven cut; {size:.2f} MB"
    whole, exported = load("tiny_ac.pt"), load(out_file)
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(exported.model(images), whole.model.exits(images)[cut.high])
    code, out, err = call(
        "robustness", "--suite", "small.yaml", "--ckpt", out_file, "--no-track", "--limit", 20
    )
    assert (code, err) == (0, "")
    assert "There is no baseline, because the card names none" in out


def test_where_nothing_is_proven_superfluous_the_whole_network_is_written(folder, call):
    code, out, _ = call(*ALONE, "--limit", "40", "--export", "cut.pt")
    assert code == 0
    said = " ".join(out.split())
    assert "cut at exit 2, the whole network: no block is proven superfluous" in said
    assert "40 images are too few to prove a cut at 2 points: 189 are, if exits agree" in said


def test_any_exit_can_be_asked_for(folder, call):
    code, out, _ = call(*ALONE, "--export", "zero.pt", "--at", "0", "--limit", "30")
    assert code == 0
    assert "cut at exit 0, as asked" in line_of(out, "zero.pt")
    assert load("zero.pt").id.arch["depth"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--at", "1"), "--at: needs --export, the file"),
        (("--export", "cut.onnx"), "--export: must end in .pt or .safetensors; got cut.onnx"),
        (("--export", "cut.pt", "--at", "3"), "tiny_ac.pt: exit must be 0 to 2; got 3"),
        (("--export", "tiny_ac.pt"), "must be another file than the checkpoint; got tiny_ac.pt"),
        (("--suite", "small.yaml"), "got robustness. Use acn-eval robustness."),
        (("--suite", "nosuch"), "nosuch: must be a YAML file or a shipped suite"),
        (
            ("--suite", "tasks.yaml", "--data", "digits", "--classes", "0-4"),
            "--classes: the suite chooses",
        ),
        (("--suite", "tasks.yaml", "--json", "-"), "--json: must be a file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(folder, refused, options, said):
    before = (folder / "tiny_ac.pt").read_bytes()
    assert said in refused(2, *PAIR, *options)
    assert not (folder / "acn-results").exists()
    assert not (folder / "cut.pt").exists()
    assert (folder / "tiny_ac.pt").read_bytes() == before


def test_a_compression_suite_is_refused_by_robustness(refused):
    said = refused(2, "robustness", "--ckpt", "tiny_ac.pt", "--suite", "exits.yaml", "--no-track")
    assert said.endswith("got compression. Use acn-eval compression.\n")


def test_a_network_without_exits_cannot_be_exported_but_can_be_measured(folder, call, refused):
    timm = pytest.importorskip("timm")
    model = timm.create_model("test_vit", num_classes=10, in_chans=3)
    torch.save(model.state_dict(), folder / "weights.pt")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "own.npz", images=images, labels=np.arange(12) % 10)
    job = (*JOB, "--ckpt", "timm:test_vit@weights.pt", "--data", "npz:own.npz")
    assert "must be a network with exits to be cut" in refused(2, *job, "--export", "cut.pt")
    code, out, err = call(*job)
    assert (code, err) == (0, "")
    assert "test_vit has no exits" in out
    assert "exit last" in out
    assert "needs" not in out


def test_easier_tasks_are_results_of_their_own_and_a_table(folder, call):
    code, out, err = call(
        *JOB, "--suite", "tasks.yaml", "--ckpt", "tiny_ac.pt", "--json", "j.json"
    )
    assert (code, err) == (0, "")
    order = [out.index(f"first {n} classes\n") for n in (2, 5)]
    assert order == sorted(order)
    head = line_of(out, "blocks needed")
    row = line_of(out, "tiny_ac   ")
    assert (folder / "j-2.json").exists()
    for count in (2, 5):
        document = json.loads((folder / f"j-{count}.json").read_text())
        data = document["results"][0]["data"]
        assert data["classes"] == [str(c) for c in range(count)]
        assert f"{count} classes, n = {data['n']}" in head
    found = [EvalResult.load(p.parent) for p in folder.glob("acn-results/*/result.json")]
    ours = sorted((r for r in found if r.checkpoint.name == "tiny_ac"), key=lambda r: r.data.n)
    assert [len(r.data.classes) for r in ours] == [2, 5]
    for result in ours:
        cut = cut_of(result)
        assert f"{cut.estimate} of 2 [{cut.low}, {cut.high}], 2 points" in row
        assert all(set(c.predicted) <= set(range(len(result.data.classes))) for c in result.cells)


def test_as_a_process_with_its_figures(folder):
    code, out, err = run(folder, *PAIR, "--limit", "60")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    names = {p.name for p in folder.glob("acn-results/*/*.svg")}
    assert names == {"accuracy.svg", "depth_map.svg", "charts.svg"}
    assert len(list(folder.glob("acn-results/*/depth_map.png"))) == 3
