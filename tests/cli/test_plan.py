"""What a run costs and could see, said beforehand."""

import re

import pytest
import yaml

from tests.gate.pairs import pair


def test_numbers_alone_are_enough(folder, call):
    code, out, err = call("plan", "--n", "10000", "--discordance", "0.06")
    assert (code, err) == (0, "")
    assert "Suite robustness, n = 10,000, discordance 0.06, assumed" in out
    assert re.search(r"primary end.?point +3\.0 +6\.0 % +0\.6 +100 % +413 *\n", out)


def test_too_few_images_are_named(folder, call):
    _, out, _ = call("plan", "--n", "100")
    assert len(re.findall("too few examples", out)) == 2


def test_a_stored_pair_gives_the_discordance(folder, call):
    sides = [str(side.save(folder / "pair")) for side in pair(1000, clean=(20, 20))]
    code, out, _ = call("plan", "--result", sides[0], "--against", sides[1])
    assert code == 0
    assert "n = 1,000, discordance as measured" in out
    assert re.search(r"clean +3\.0 +4\.2 % ", out)


def test_a_checkpoint_gives_the_cost(folder, call):
    gate = {"kind": "gate", "name": "toy", "suite": "small.yaml", "margins": {"primary": 0.05}}
    (folder / "gate.yaml").write_text(yaml.safe_dump(gate))
    job = ("plan", "--suite", "gate.yaml", "--ckpt", "tiny_ac.pt", "--device", "cpu")
    code, out, _ = call(*job)
    assert code == 0
    assert "n = 352" in out
    forwards = 2 * 352 * 5  # both sides, five conditions
    assert f"Cost of both sides: {forwards:,} forward passes" in out
    assert re.search(r"about \d+ s here \(extrapolated from 256 examples\)", out)


def test_a_suite_has_a_smallest_difference(folder, call):
    code, out, _ = call("plan", "--suite", "robustness", "--n", "360")
    assert code == 0
    assert "Differences below 3.6 points are not reliably detectable (80 % power" in out


@pytest.mark.parametrize(
    ("given", "expected"),
    [((), "images must be known"), (("--suite", "nosuch", "--n", "9"), "must be a YAML file")],
)
def test_what_is_missing_is_said(folder, refused, given, expected):
    assert expected in refused(2, "plan", *given)
