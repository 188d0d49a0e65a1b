"""What a plan promises is what a gate does."""

import numpy as np
import pytest

from acn_eval.gate import decide
from acn_eval.gate.plan import plan, variances
from tests.gate.pairs import gate, pair


def test_the_generic_rows_of_a_gate():
    rows = {row.name: row for row in plan(gate(cell=0.1), 10_000, 0.06)}
    assert list(rows) == ["primary endpoint", "clean", "each condition"]
    assert rows["clean"].mde == pytest.approx(0.0061, abs=5e-5)
    assert rows["clean"].images_needed == 928
    assert rows["clean"].power > 0.999
    assert "each condition" not in {row.name for row in plan(gate(cell=None), 100, 0.06)}


def test_rows_of_a_stored_pair_are_its_rules():
    sides = pair(1000, clean=(10, 12), gaussian_04=(40, 40))
    judged = {rule.name: rule for rule in decide(gate(), *sides).rules}
    rows = plan(gate(), 1000, variances(gate(), *sides))
    assert [row.name for row in rows] == list(judged)
    for row in rows:
        rule = judged[row.name]
        assert (row.margin, row.mde) == (-rule.bound, pytest.approx(rule.mde))
        assert row.images_needed == rule.images_needed


def test_the_promised_power_is_kept():
    n, strict = 1000, gate(primary=0.5, clean=0.015, cell=None)
    clean = plan(strict, n, 0.04)[1]
    assert 0.6 < clean.power < 0.9
    rng, passed = np.random.default_rng(1), []
    for seed, (gains, losses, _) in enumerate(rng.multinomial(n, [0.02, 0.02, 0.96], 400)):
        sides = pair(n, seed=seed, clean=(int(gains), int(losses)), accuracy=0.5)
        passed.append(decide(strict, *sides).rules[1].verdict == "pass")
    assert np.mean(passed) == pytest.approx(clean.power, abs=0.09)
