"""What is printed of a training that was observed: a table per network, a line per exit."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from acn_eval.studies.compare import compare
from acn_eval.studies.dynamics.tables import show
from tests.studies.dynamics.plans import asked, suite, trainings


@pytest.fixture(scope="module")
def results(device, tmp_path_factory):
    from acn_eval.cache import OutcomeCache
    from acn_eval.inference import Runtime

    store = OutcomeCache(tmp_path_factory.mktemp("tables"))
    return trainings(asked(suite(), Runtime(device, 64, "fp32", store)))


def printed(results, comparison=None):
    out = Console(file=io.StringIO(), width=200)
    show(out, results, comparison)
    return out.file.getvalue()


def test_every_network_has_a_line_per_exit(results):
    out = printed(results)
    head = r"^(\w+) +digits test %, n = 352 +validation % at step 0 / 4 / 6"
    assert re.findall(head, out, re.M) == ["acn", "residual"]
    rows = [re.split(r"  +", line) for line in out.splitlines() if line.startswith("exit ")][:6]
    assert [row[0] for row in rows] == 2 * ["exit 0", "exit 1", "exit 2"]
    for row in rows[:3]:
        k, first = int(row[0].split()[1]), results[0]
        assert row[1].split()[0] == f"{100 * first.cells[k].values.mean():.1f}"
        accuracy = first.details["validation"]["accuracy"]
        assert row[2] == " / ".join(f"{100 * accuracy[i][k]:.0f}" for i in (0, 2, 3))
        loss = first.details["validation"]["loss"]
        assert row[3] == " / ".join(f"{loss[i][k]:.2f}" for i in (0, 2, 3))
    assert rows[2][4] == "100 / 100"  # the last block of an ACN has its long connection alone


def test_every_network_has_its_spread_in_words_and_numbers(results):
    out = printed(results)
    words = "outputs vary over tokens and over images after every block, also at initialization."
    assert re.findall(r"^(\w+): (outputs .*)", out, re.M) == [("acn", words), ("residual", words)]
    assert re.findall(r"^(\w+) +tokens % +images % ", out, re.M) == ["acn", "residual"]
    rows = [re.split(r"  +", line) for line in out.splitlines() if re.match(r"exit \d", line)][6:]
    assert [row[0] for row in rows] == 2 * ["exit 0", "exit 1", "exit 2"]
    spread = results[1].details["spread"]
    for row, first, last in zip(rows[3:], spread["initial"], spread["looks"][-1], strict=True):
        tokens, images, rank, norm, cosine = row[1:]
        assert tokens == f"{100 * first['tokens']:.1f} / {100 * last['tokens']:.1f}"
        assert images == f"{100 * first['images']:.1f} / {100 * last['images']:.1f}"
        assert rank == f"{first['rank']:.1f} / {last['rank']:.1f}"
        assert norm == f"{100 * first['norm']:.0f} / {100 * last['norm']:.0f}"
        assert cosine == f"{first['cosine']:.2f} / {last['cosine']:.2f}"


def test_what_is_constant_or_not_known_has_no_number(results):
    row = {"tokens": None, "images": 9e-4, "rank": 0.0, "norm": 1.0, "cosine": -0.001}
    spread = {"n": 4, "initial": None, "looks": [[row]]}
    out = printed([replace(results[0], details={**results[0].details, "spread": spread})])
    assert re.search(r"^exit 0 +- +<0.1 +0.0 +100 +0.00$", out, re.M)


def test_a_result_of_an_older_version_is_shown_without(results):
    details = {k: v for k, v in results[0].details.items() if k != "spread"}
    out = printed([replace(results[0], details=details)])
    assert "outputs" not in out
    assert "tokens" not in out
    assert "stable rank" in out


def test_two_networks_are_compared_by_their_last_exit(results):
    out = printed(results, compare(results[:1], results[1:]))
    assert "Primary endpoint, last exit" in out
    assert "stable rank" not in out
