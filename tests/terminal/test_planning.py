"""A plan states n, discordance, and what is detectable."""

import re

from tests.gate.pairs import pair


def test_too_few_images_are_named(folder, call):
    _, out, _ = call("plan", "--n", "100")
    assert len(re.findall("too few examples", out)) == 2


def test_a_stored_pair_gives_the_discordance(folder, call):
    sides = [str(side.save(folder / "pair")) for side in pair(1000, clean=(20, 20))]
    code, out, _ = call("plan", "--result", sides[0], "--against", sides[1])
    assert code == 0
    assert "n = 1,000, discordance as measured" in out
    assert re.search(r"clean +3\.0 +4\.2 % ", out)


def test_a_suite_has_a_smallest_difference(folder, call):
    code, out, _ = call("plan", "--suite", "robustness", "--n", "360")
    assert code == 0
    assert "Differences below 3.6 points are not reliably detectable (80 % power" in out
