"""JUnit, Markdown and what GitHub's runners read."""

from dataclasses import replace

import pytest

from acn_eval.gate import decide
from tests.gate.pairs import HOSTILE, gate, pair


@pytest.fixture(scope="module")
def verdicts():
    candidate, baseline = pair(1000)
    missing = replace(candidate, cells=candidate.cells[:2])
    return {
        "pass": decide(gate(), candidate, baseline),
        "fail": decide(gate(), *pair(1000, gaussian_04=(0, 300), clean=(0, 100))),
        "no verdict": decide(gate(primary=0.005, clean=0.005), *pair(100, clean=(1, 1))),
        "missing": decide(gate(), missing, baseline),
        "mismatch": decide(gate(), replace(candidate, seed=1), baseline),
        "identical": decide(gate(), candidate, candidate),
    }


@pytest.fixture(scope="module")
def hostile():
    return decide(gate(), *pair(1000, names=(HOSTILE, "old"), clean=(0, 200)))
