"""Compression: what a suite may ask."""

import pytest
import yaml
from pydantic import ValidationError

from acn_eval.corruptions import Gaussian
from acn_eval.errors import ConfigError
from acn_eval.studies.compression.suite import Compression
from acn_eval.studies.read import read_suite
from acn_eval.studies.robustness.suite import Robustness

NOISE = Robustness(name="noise", corruptions=(Gaussian(levels=(0.1, 0.4)),))

SUITE = Compression(name="exits", noise=NOISE, seconds=1e-6)


def written(folder, **fields):
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({"kind": "compression", "name": "own", **fields}))
    return str(path)


def test_noise_is_a_name_a_path_or_a_suite(tmp_path):
    shipped = read_suite("robustness")
    inline = shipped.model_dump(mode="json")
    (tmp_path / "noise.yaml").write_text(yaml.safe_dump(inline))
    for noise in ("robustness", str(tmp_path / "noise.yaml"), inline):
        assert read_suite(written(tmp_path, noise=noise)).noise == shipped


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"noise": "nosuch"}, "nosuch: must be a YAML file or a shipped suite"),
        ({"noise": "low_data"}, "is no field of a robustness suite"),
        ({}, "noise"),
        ({"noise": "robustness", "tolerance": 0}, "tolerance"),
        ({"noise": "robustness", "tolerance": 1}, "tolerance"),
        ({"noise": "robustness", "seconds": 0}, "seconds"),
        ({"noise": "robustness", "first_classes": [1]}, "first_classes"),
        ({"noise": "robustness", "exits": 3}, "exits"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, fields, said):
    with pytest.raises(ConfigError) as caught:
        read_suite(written(tmp_path, **fields))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_suite_is_frozen():
    with pytest.raises(ValidationError):
        SUITE.tolerance = 0.5
