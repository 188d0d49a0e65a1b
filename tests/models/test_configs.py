"""Configs of encoders: what they say of their inputs, and how they are written."""

import pytest
import torch

from acn_eval.models import build, read_arch
from tests.models.networks import MEMBERS, name


@pytest.mark.parametrize("fields", MEMBERS, ids=name)
def test_a_network_reads_the_blank_inputs_of_its_config(fields):
    config = read_arch(fields, "test")
    blank = config.blank(2)
    network = build(config).eval()
    with torch.no_grad():
        *_, last = network.streams(blank)
        assert network(blank).shape == (2, config.classes)
    assert last.shape == (2, config.tokens, config.width)
    assert (config.units, config.unit) in {(3, "block"), (6, "sublayer")}


def test_fields_are_written_in_the_order_that_digests_were_taken_of():
    written = read_arch({"kind": "vit", "skips": None}, "test").model_dump_json()
    assert written == (
        '{"connectivity":"residual","grain":null,"depth":8,"width":64,"image_size":8,"patch":2,'
        '"channels":1,"classes":10,"pool":"cls","branches":[],"kind":"vit","heads":4,"hidden":128}'
    )
