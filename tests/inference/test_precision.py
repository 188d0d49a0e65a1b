"""The parity certificate counts what rounding changes; bf16 is chosen by a rule."""

import pytest
import torch

from acn_eval.checkpoints import from_module
from acn_eval.inference import certificate, numeric_for
from acn_eval.inference.precision import forward, has_bf16, running
from tests.tiny import Counting, checkpoint, digits


@pytest.fixture
def images(device):
    return torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0)).to(device)


def steps(logit_gap):
    """Predict the second of two logits that are `logit_gap` of every picture apart."""

    def network(images):
        flat = images.flatten(1).mean(1)
        return torch.stack([flat, flat + logit_gap(images)], dim=1).argmax(1)

    return network


def test_equal_decisions_are_no_flips(images):
    found = certificate(steps(lambda x: 1.0), images, "bf16", 64)
    assert found == {"n": 64, "precision": "bf16", "precision_flips": 0, "batch_flips": 0}


def test_flips_by_precision_are_counted(images):
    """A product that is a hair above 1 in fp32 and 1 in bf16."""

    def network(x):
        one = torch.full((len(x), 1), 1.001, device=x.device)
        product = (one @ one[:1]).float()  # autocast computes it in bf16
        ahead = torch.arange(len(x), device=x.device)[:, None] < 5
        both = [torch.ones_like(product), torch.where(ahead, product, 0.0)]
        return torch.cat(both, dim=1).argmax(1)

    assert certificate(network, images, "bf16", 64)["precision_flips"] == 5
    assert certificate(network, images, "fp32", 64)["precision_flips"] == 0


def test_flips_by_batch_size_are_counted(images):
    """A network that looks at its company: in batches of 7 the last is alone."""

    def network(x):
        return torch.full((len(x),), len(x) - 2.5) > 0

    assert certificate(network, images, "fp32", 64)["batch_flips"] == 1
    assert certificate(network, images, "fp32", 7)["batch_flips"] == 0


def test_what_was_measured_is_certified_and_not_predicted_once_more(images):
    network = Counting(steps(lambda x: 1.0))
    measured = torch.ones(64, dtype=torch.int64, device=images.device)
    measured[:3] = 0
    found = certificate(network, images, "bf16", 64, measured)
    assert (found["precision_flips"], found["batch_flips"]) == (3, 3)
    assert network.images == 2 * 64


@pytest.mark.parametrize("size", [1, 7, 64])
def test_the_certificate_of_a_real_network_is_clean_in_fp32(tiny, device, size):
    model = checkpoint(tiny, device=device)
    first = digits(64).read(torch.arange(64).numpy(), model.prepare.spec).to(device) / 255
    inputs = model.prepare.normalize(first)
    found = certificate(lambda x: model.model(x).argmax(1), inputs, "fp32", size)
    assert (found["precision_flips"], found["batch_flips"]) == (0, 0)


def test_the_certificate_fits_where_the_pass_fits(images):
    small = Counting(steps(lambda x: 1.0), largest=10)
    assert certificate(small, images, "fp32", 64)["n"] == 64


def test_forward_passes_keep_no_graph(images):
    layer = torch.nn.Linear(64, 3).to(images.device)
    assert not forward(lambda x: layer(x.flatten(1)), images, "fp32", 64).requires_grad


@pytest.mark.parametrize(("numeric", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_the_precision_is_the_one_stated(images, numeric, dtype):
    layer = torch.nn.Linear(64, 3).to(images.device)
    with running(numeric, images.device):
        assert layer(images.flatten(1)).dtype == dtype
    assert forward(lambda x: layer(x.flatten(1)), images, numeric, 64).dtype == dtype


@pytest.mark.parametrize(
    ("units", "flops", "expected"),
    [(True, 10**9, "bf16"), (True, 10**6, "fp32"), (False, 10**9, "fp32")],
)
def test_bf16_is_chosen_by_a_rule(monkeypatch, units, flops, expected):
    """By what the device has and what a network costs: twice the same, whatever the load."""
    monkeypatch.setattr("acn_eval.inference.precision.has_bf16", lambda device: units)
    device = torch.device("cpu")
    assert numeric_for("auto", device, flops) == expected
    for given in ("fp32", "bf16"):
        assert numeric_for(given, device, flops) == given


def test_a_device_without_a_rule_keeps_full_precision():
    assert numeric_for("auto", torch.device("mps"), 10**15) == "fp32"


def test_the_units_of_this_machine_are_known():
    assert has_bf16(torch.device("cpu")) in {True, False}


def test_a_users_network_without_exits_is_asked(device, images):
    from acn_eval.data import Geometry, PrepareImages

    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    prepare = PrepareImages(Geometry(8, 1), (0.5,), (0.5,))
    made = from_module(module, name="mine", classes=("a", "b", "c"), prepare=prepare)
    made.model.to(device)
    assert len(made.model.exits(images)) == 1
