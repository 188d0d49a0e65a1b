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


def test_a_suite_that_is_shown_in_blocks_says_where_looks_stop(folder, call):
    """Half of 2,000 simulated runs stop within 512, 1,280 and 7,936 examples."""
    arguments = ("plan", "--suite", "robustness", "--discordance", "0.2")
    _, out, _ = call(*arguments, "--n", "10000")
    said = "stop within 512 examples at a difference of 10 points, 1,280 at 5 points, 7,936 at 2"
    assert said in out
    _, out, _ = call(*arguments, "--n", "400")
    assert "stop within 400 examples at a difference of 10 points, 400 at 5 points" in out
    _, out, _ = call("plan", "--suite", "compression", "--n", "400")
    assert "--sequential" not in out
