"""Several networks at once: ranked, from one pass over the examples."""

import json
from dataclasses import replace
from itertools import product

import pytest

from acn_eval import DataSelection, RunOptions, workflow
from acn_eval.corruptions.noise import Gaussian, SaltPepper
from acn_eval.data import decoding
from acn_eval.models import ViTConfig
from acn_eval.results import EvalResult
from acn_eval.statistics.ranking import load_ranking, ranking_key
from acn_eval.studies.compare import rank
from tests.checkpoints.files import written
from tests.data.pictures import picture
from tests.models.networks import network
from tests.tiny import ARCH

DIGITS = tuple("0123456789")
OPTIONS = RunOptions(
    suite="small.yaml", data=DataSelection("digits", limit=40), precision="fp32", track=False
)


@pytest.fixture(scope="module")
def ten(tmp_path_factory):
    """Ten networks with random weights: five depths, two connectivities, no recipe."""
    place = tmp_path_factory.mktemp("ten")
    about = {"classes": DIGITS, "data": "digits", "pair": None}
    files = []
    for depth, kind in product(range(1, 6), ("acn", "residual")):
        arch = ViTConfig.model_validate({**ARCH, "depth": depth, "connectivity": kind})
        state = network(arch.model_dump(), seed=depth).state_dict()
        files.append(written(place / f"{kind}_{depth}.pt", arch=arch, state=state, **about))
    return [str(file) for file in files]


@pytest.fixture
def pictures(tmp_path):
    """Thirty pictures of three sizes, one folder for each of ten classes."""
    for i in range(30):
        picture(tmp_path / "seen" / DIGITS[i % 10] / f"{i}.png", size=(9 + i % 3, 8))
    return f"folder:{tmp_path / 'seen'}"


@pytest.fixture
def counted(monkeypatch):
    """Count the pictures that are decoded, and those for which a noise is drawn, by its kind."""
    counts = {"decoded": 0}
    pixels = decoding._pixels

    def decoding_one(image):
        counts["decoded"] += 1
        return pixels(image)

    monkeypatch.setattr(decoding, "_pixels", decoding_one)
    for kind in (Gaussian, SaltPepper):
        monkeypatch.setattr(kind, "_draw", _counting(kind._draw, kind.__name__, counts))
        added = f"{kind.__name__} added"
        monkeypatch.setattr(kind, "corrupt", _counting(kind.corrupt, added, counts))
    return counts


def _counting(function, name, counts):
    """Count the images of the first argument, which are images or their shape."""

    def counting(self, images, *arguments):
        shape = images if isinstance(images, tuple) else images.shape
        counts[name] = counts.get(name, 0) + shape[0]
        return function(self, images, *arguments)

    return counting


def test_ten_networks_cost_the_decoding_and_the_noise_of_one(ten, pictures, folder, counted):
    """The digest of the noise draws it for eight more, the certificate decodes all 30 again."""
    asked = replace(OPTIONS, data=DataSelection(pictures), cache=False, baselines=())
    workflow.evaluate(replace(asked, candidates=tuple(ten[:1])))
    once = dict(counted)
    assert once["decoded"] == 30 + 30
    assert once["Gaussian"] == once["SaltPepper"] == 30 + 8
    assert once["Gaussian added"] == 2 * (30 + 8)
    counted.update(dict.fromkeys(counted, 0))
    (group,) = workflow.evaluate(replace(asked, candidates=tuple(ten)))
    assert len(group.candidates) == len(group.networks) == 10
    assert counted == once


def test_networks_are_ranked_and_kept_and_say_what_the_command_says(folder, call):
    """Two recipes beside a shipped network: the same ranking from Python, command and disk."""
    asked = replace(OPTIONS, candidates=("tiny_ac.pt,ac_vit.pt",), baselines=("tiny_res.pt",))
    done = workflow.run(asked)
    (ranking,) = done.rankings
    assert done.comparisons == []
    assert [place.label for place in ranking.places if place.baseline] == ["tiny_res"]
    entries = {result.checkpoint.name: [result] for result in done.results}
    assert ranking == rank(entries, baselines=["tiny_res"])
    kept = done.folders[ranking_key(ranking)]
    assert load_ranking(kept) == ranking
    assert {file.name for file in kept.iterdir()} == {"ranking.json", "ranking.png", "ranking.svg"}
    line = "robustness --ckpt tiny_ac.pt ac_vit.pt --baseline tiny_res.pt --suite small.yaml"
    more = "--data digits --limit 40 --precision fp32 --no-track --json all.json"
    assert call(*line.split(), *more.split())[0] == 0
    said = json.loads((folder / "all.json").read_text())
    assert said["ranking"] == json.loads(json.dumps(ranking.to_dict()))
    assert said["comparison"] is None
    code, out, _ = call("compare", *(str(done.folders[r.key]) for r in done.results), "-q")
    assert code == 0
    assert out.startswith(ranking.answer)
    entries = [line.split()[1] for line in out.splitlines() if line[:1].isdigit()]
    assert entries == [place.label for place in ranking.places]


def test_seeds_of_one_recipe_are_one_network_among_others(folder, call):
    line = (
        "robustness --ckpt seeds/ac_vit_*.pt tiny_ac.pt --limit 30 --no-track --suite small.yaml"
    )
    code, out, _ = call(*line.split())
    assert code == 0
    assert "ac_vit_1 (4 seeds)" in out
    assert "tiny_ac" in out
    assert "1 pairs" in out


@pytest.mark.parametrize("study", ["compression", "transfer", "pruning"])
def test_every_study_that_compares_two_ranks_three(ten, folder, call, study):
    suites = {
        "compression": "{kind: compression, name: small, noise: small.yaml, seconds: 0.000001}",
        "transfer": "{kind: transfer, name: small, protocols: [knn]}",
        "pruning": "{kind: pruning, name: small, sparsities: [0, 0.5], "
        "methods: [{kind: magnitude}]}",
    }
    (folder / "own.yaml").write_text(suites[study])
    files = ["tiny_ac.pt", "tiny_res.pt", ten[0]]
    line = "--suite own.yaml --data digits --limit 30 --no-track --precision fp32"
    code, out, err = call(study, "--ckpt", *files, *line.split())
    assert (code, err) == (0, "")
    assert "Holm over 3 pairs" in out
    (kept,) = folder.glob("acn-results/rank-*")
    names = {"tiny_ac", "tiny_res", "acn_1"}
    assert {place.label for place in load_ranking(kept).places} == names
    assert len([EvalResult.load(f.parent) for f in folder.glob("acn-results/*/result.json")]) == 3


def test_dynamics_looks_at_every_network_by_itself(ten, folder, call):
    line = "--data digits --limit 30 --no-track --suite dynamics"
    code, out, err = call("dynamics", *(f"--ckpt={file}" for file in ten[:2]), *line.split())
    assert (code, err) == (0, "")
    assert "Holm" not in out
    assert not [*folder.glob("acn-results/rank-*")]
    assert [line.split(":")[0] for line in out.splitlines()[:2]] == ["acn_1", "residual_1"]
