"""The compression command: exits, cuts, costs, verdict, the cut as a file, and what is refused."""

import json
import re
from itertools import pairwise

import pytest
import torch

from acn_eval.studies.compression.depth import cut_of
from tests.models.networks import randomised
from tests.studies.compression.plans import ALONE, PAIR, VERDICT, results
from tests.tiny import run

pytestmark = pytest.mark.usefixtures("suite")


def test_json_says_what_the_table_says(folder, call):
    code, out, err = call(*PAIR, "--json", "-")
    assert (code, err) == (0, "")
    document = json.loads(out)
    details = {r["checkpoint"]["name"]: r["details"] for r in document["results"]}
    for name, result in results(folder).items():
        assert details[name]["validation"] == dict(result.details)["validation"]
    (finding,) = document["comparison"]["findings"]
    assert finding["name"] == "share of the network needed"


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
            "--classes: must be left out, because the suite",
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


@pytest.mark.slow
def test_as_a_process_with_its_figures(folder):
    code, out, err = run(folder, *PAIR, "--limit", "60")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    names = {p.name for p in folder.glob("acn-results/*/*.svg")}
    assert names == {"accuracy.svg", "depth_map.svg", "charts.svg", "spread.svg"}
    assert len(list(folder.glob("acn-results/*/depth_map.png"))) == 3


def test_a_vision_transformer_of_timm_is_cut_priced_and_left_early(folder, call):
    """From its file to the table: every exit, tokens, costs of each cut, and early exit."""
    timm = pytest.importorskip("timm")
    network = randomised(timm.create_model("test_vit", num_classes=10, img_size=32), std=0.02)
    torch.save(network.state_dict(), folder / "vit.pt")
    card = "model: timm:test_vit\narguments: {img_size: 32}\nsize: 32\n"
    (folder / "vit.card.yaml").write_text(card)
    job = (*ALONE[: ALONE.index("--ckpt")], "--ckpt", "timm:test_vit@vit.pt", "--limit", "30")
    code, out, err = call(*job, "--data", "digits")
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    assert "vit needs" in said
    assert "of 6 blocks" in said
    assert "outputs vary over tokens and over images after every block" in said
    result = results(folder)["vit"]
    costs = result.details["costs"]
    assert [row["exit"] for row in costs] == list(range(7))
    assert costs[-1]["parameters"] == sum(p.numel() for p in network.parameters())
    assert len({deeper["flops"] - one["flops"] for one, deeper in pairwise(costs)}) == 1
    assert all(row["weight_bytes"] == 4 * row["parameters"] for row in costs)
    rules = {row["rule"] for row in result.details["early_exit"]}
    assert rules == {"entropy", "confidence", "patience"}
