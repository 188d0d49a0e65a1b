"""The input protocol: what images implement, and a modality of a stranger as well."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from acn_eval import inputs
from acn_eval.checkpoints import load
from acn_eval.data import Geometry, PrepareImages, open_examples

TOYS = Path(__file__).parent / "toys" / "modality"


def members(protocol):
    return {
        name: value
        for name, value in vars(protocol).items()
        if callable(value) and (name == "__call__" or not name.startswith("_"))
    }


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        (inputs.InputSpec, Geometry),
        (inputs.Prepare, PrepareImages),
        (inputs.Inputs, type(open_examples("digits").inputs)),
        (inputs.ShownBatch, torch.Tensor),
    ],
    ids=lambda value: value.__name__,
)
def test_images_implement_the_protocol(protocol, kind):
    assert members(protocol)
    for name, method in members(protocol).items():
        own = getattr(kind, name)
        if kind is not torch.Tensor:
            expected = [p for p in inspect.signature(method).parameters if p != "self"]
            found = [p for p in inspect.signature(own).parameters if p != "self"]
            assert len(found) == len(expected), name


@pytest.mark.parametrize(
    ("data", "network"),
    [("digits", "ac_vit.pt"), ("toy:sums", "toy:sharp")],
    ids=["images", "toy"],
)
def test_the_steps_fit_each_other(data, network, monkeypatch):
    monkeypatch.syspath_prepend(str(TOYS))
    examples, checkpoint = open_examples(data), load(network)
    prepare = checkpoint.prepare
    content = examples.read(np.arange(3), prepare.spec)
    shown = prepare.spec.upload(content, torch.device("cpu"))
    batch = prepare(shown)
    assert len(shown) == len(batch) == 3
    assert prepare.spec.modality == examples.inputs.modality
    assert hash(prepare.spec) == hash(prepare.spec)
    assert json.loads(json.dumps(prepare.facts(), default=list))
    assert checkpoint.model(batch).shape == checkpoint.model(prepare.blank(3)).shape
