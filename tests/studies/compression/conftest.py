"""Fixtures that several tests of this study share."""

import pytest
import yaml

from tests.tiny import SUITE


@pytest.fixture
def suite(folder):
    """Compression under the small noise, its latencies hardly measured."""
    fields = {"kind": "compression", "noise": yaml.safe_load(SUITE), "seconds": 1e-6}
    tasks = {"exits": {}, "tasks": {"first_classes": [2, 5]}}
    for name, more in tasks.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**fields, "name": name, **more}))
