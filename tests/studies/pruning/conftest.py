"""Fixtures that several tests of this study share."""

import pytest

from tests.studies.pruning.plans import SUITE, UNITS


@pytest.fixture
def suite(folder):
    (folder / "prune.yaml").write_text(SUITE)
    (folder / "units.yaml").write_text(UNITS)
