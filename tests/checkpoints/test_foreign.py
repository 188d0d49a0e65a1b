"""Exits and named depths of foreign networks, against the libraries' own ways to them."""

from copy import deepcopy
from itertools import pairwise

import pytest
import timm
import torch
import torchvision
import transformers

from acn_eval.checkpoints import cut_at, from_module
from acn_eval.checkpoints.foreign import HEAD, Foreign, Layered
from acn_eval.data import Geometry, PrepareImages
from acn_eval.errors import CheckpointError, Unsupported
from acn_eval.models import exit_costs, head_flops
from tests.checkpoints.foreign_models import STAGES, VIT
from tests.models.networks import pictures, randomised

LABELS = {"num_labels": 5}
_TIMM = {"num_classes": 5, "img_size": 32, "patch_size": 8, "num_heads": 4, "mlp_ratio": 1.5}


def _timm(name, **kwargs):
    return lambda depth: timm.create_model(name, **{**_TIMM, "depth": depth, **kwargs})


def _torchvision(depth):
    return torchvision.models.VisionTransformer(32, 8, depth, 4, 32, 48, num_classes=5)


def _transformers(name):
    def made(depth):
        kind = getattr(transformers, name)
        return kind(kind.config_class(**{**VIT, "num_hidden_layers": depth}, **LABELS))

    return made


_TWO = ("head", "head_dist", "cls_classifier", "distillation_classifier")
VITS = {  # depth to a network
    "timm": _timm("vit_tiny_patch16_224", embed_dim=32),
    "timm, mean of the tokens": _timm("vit_tiny_patch16_224", embed_dim=32, global_pool="avg"),
    "timm, registers": _timm("vit_tiny_patch16_224", embed_dim=32, reg_tokens=2),
    "timm, distilled": _timm("deit_tiny_distilled_patch16_224", embed_dim=32),
    "torchvision": _torchvision,
    "transformers": _transformers("ViTForImageClassification"),
    "transformers, DeiT": _transformers("DeiTForImageClassification"),
    "transformers, distilled": _transformers("DeiTForImageClassificationWithTeacher"),
}
DEPTH = 3


def adopted(module, size=32, **kwargs):
    prepare = PrepareImages(Geometry(size, 3), (0.5,) * 3, (0.5,) * 3)
    names = tuple("abcde")
    return from_module(module.eval(), name="it", classes=names, prepare=prepare, **kwargs)


def logits(module, images):
    with torch.no_grad():
        out = module(images)
    return getattr(out, "logits", out)


@pytest.fixture(scope="module", params=VITS.values(), ids=VITS)
def made(request):
    return request.param


@pytest.fixture(scope="module")
def network(made):
    return randomised(made(DEPTH), std=0.05)


@pytest.fixture(scope="module")
def checkpoint(network):
    return adopted(network)


IMAGES = pictures(3, 32, 3)


def test_exit_k_is_the_librarys_own_network_of_k_blocks_bit_for_bit(made, network, checkpoint):
    with torch.no_grad():
        exits = checkpoint.model.exits(IMAGES)
    assert len(exits) == DEPTH + 1
    for k, found in enumerate(exits):
        shallow = made(k).eval()
        known = {n: v for n, v in network.state_dict().items() if n in shallow.state_dict()}
        shallow.load_state_dict(known)
        expected = logits(shallow, IMAGES)
        assert torch.equal(found, expected)
        assert torch.equal(logits(checkpoint.model.truncated(k), IMAGES), expected)
    assert not torch.allclose(exits[-1], exits[-2], atol=1e-3)


def test_the_last_exit_is_the_librarys_own_forward(network, checkpoint):
    assert checkpoint.id.arch["depth"] == DEPTH
    expected = logits(network, IMAGES)
    with torch.no_grad():
        assert torch.equal(checkpoint.model(IMAGES), expected)
        for k, found in enumerate(checkpoint.model.exits(IMAGES)):
            assert torch.equal(checkpoint.model.leave_at(IMAGES, k), found)


def test_features_are_what_the_librarys_head_reads(network, checkpoint):
    """Where two heads read two tokens, the features are their mean."""
    heads = (*_TWO, "heads", "classifier")
    with torch.no_grad():
        for k, reading in enumerate(checkpoint.model.readings(IMAGES)):
            cut, seen = checkpoint.model.truncated(k).inner, []
            read = [own for name, own in cut.named_modules() if name in heads]
            hooks = [
                own.register_forward_pre_hook(lambda _, x, to=seen: to.append(x[0]))
                for own in read
            ]
            cut(IMAGES)
            for hook in hooks:
                hook.remove()
            assert torch.allclose(reading.stream, torch.stack(seen).mean(dim=0), atol=1e-6)


def test_tokens_at_the_exits_are_those_that_the_blocks_pass_on(network, checkpoint):
    blocks = next(m for m in network.modules() if _is_row(m))
    seen = []
    hooks = [b.register_forward_hook(lambda _, given, out: seen.append(out)) for b in blocks]
    hooks.append(blocks[0].register_forward_pre_hook(lambda _, given: seen.append(given[0])))
    logits(network, IMAGES)
    for hook in hooks:
        hook.remove()
    with torch.no_grad():
        found = [*checkpoint.model.boundaries(IMAGES)]
    assert len(found) == len(seen) == DEPTH + 1
    for boundary, expected in zip(found, seen, strict=True):
        assert torch.equal(boundary.passed_on, expected)
        assert boundary.pooled.shape == (3, 32)


def _is_row(module):
    listed = isinstance(module, torch.nn.Sequential | torch.nn.ModuleList)
    return listed and len(module) == DEPTH and len({type(own) for own in module}) == 1


def test_what_a_cut_network_costs(network, checkpoint):
    """Products of attention count: two of tokens^2 x width, at 2 FLOPs per multiply-add."""
    costs = exit_costs(checkpoint.model, IMAGES[:1])
    assert costs[-1].parameters == sum(p.numel() for p in network.parameters())
    (block,) = {deeper.parameters - one.parameters for one, deeper in pairwise(costs)}
    assert block == 4 * (32 * 32 + 32) + 2 * 32 * 48 + 48 + 32 + 2 * 2 * 32
    with torch.no_grad():
        tokens = next(iter(checkpoint.model.streams(IMAGES[:1]))).shape[1]
    linear, products = 2 * tokens * 32 * (4 * 32 + 2 * 48), 2 * 2 * tokens**2 * 32
    assert {deeper.flops - one.flops for one, deeper in pairwise(costs)} == {linear + products}
    assert costs[-1].flops - costs[-1].linear_flops == DEPTH * products
    heads = 2 if any(name in _TWO[1:] for name, _ in network.named_modules()) else 1
    assert head_flops(checkpoint.model, IMAGES[:1]) == heads * 2 * 32 * 5


def test_a_cut_network_shares_its_weights_and_leaves_the_whole_one(network, checkpoint):
    before = deepcopy(network.state_dict())
    cut = checkpoint.model.truncated(1)
    assert cut.depth == 1
    assert checkpoint.model.depth == DEPTH
    own = {p.data_ptr() for p in network.parameters()}
    assert {p.data_ptr() for p in cut.parameters()} < own
    after = network.state_dict()
    assert before.keys() == after.keys()


def test_cutting_a_file_of_another_library_is_refused(checkpoint):
    with pytest.raises(Unsupported, match="must be a file of acn-eval"):
        cut_at(checkpoint, 1)


def resnet():
    block = torchvision.models.resnet.BasicBlock
    return torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=5)


def _hf(name, **fields):
    kind = getattr(transformers, name)
    return kind(kind.config_class(**fields, **LABELS))


_SWIN = {"image_size": 32, "patch_size": 2, "embed_dim": 8, "window_size": 2, "num_heads": [2] * 4}
_WIDTHS = {"hidden_sizes": [8, 12, 16, 20]}
NAMED = {  # a network, the paths of its stages, and the axes of places of their outputs
    "timm ResNet": (
        lambda: timm.create_model("test_resnet", num_classes=5),
        ("act1", "layer1", "layer2", "layer3", "layer4"),
        (2, 3),
    ),
    "timm Swin": (
        lambda: timm.create_model(
            "swin_tiny_patch4_window7_224",
            num_classes=5,
            img_size=32,
            embed_dim=8,
            depths=(1, 1, 1, 1),
            window_size=2,
            num_heads=(1, 1, 1, 1),
        ),
        ("layers.0", "layers.1", "layers.2", "layers.3"),
        (1, 2),
    ),
    "torchvision ResNet": (resnet, ("layer1", "layer2", "layer3", "layer4"), (2, 3)),
    "torchvision Swin": (
        lambda: torchvision.models.SwinTransformer(
            [2, 2], 8, [1, 1, 1, 1], [1, 1, 1, 1], [2, 2], num_classes=5
        ),
        ("features.1", "features.3", "features.5", "features.7"),
        (1, 2),
    ),
    "torchvision ConvNeXt": (
        lambda: torchvision.models.ConvNeXt(
            [
                torchvision.models.convnext.CNBlockConfig(a, b, 1)
                for a, b in ((8, 12), (12, 16), (16, 20), (20, None))
            ],
            num_classes=5,
        ),
        ("features.1", "features.3", "features.5", "features.7"),
        (2, 3),
    ),
    "transformers ConvNeXt": (
        lambda: _hf("ConvNextForImageClassification", **_WIDTHS, **STAGES),
        tuple(f"convnext.encoder.stages.{i}" for i in range(4)),
        (2, 3),
    ),
    "transformers ResNet": (
        lambda: _hf("ResNetForImageClassification", embedding_size=8, **_WIDTHS, **STAGES),
        tuple(f"resnet.encoder.stages.{i}" for i in range(4)),
        (2, 3),
    ),
    "transformers Swin": (
        lambda: _hf("SwinForImageClassification", **_SWIN, **STAGES),
        tuple(f"swin.encoder.layers.{i}" for i in range(4)),
        (1,),
    ),
}


@pytest.mark.parametrize(("build", "paths", "places"), NAMED.values(), ids=NAMED)
def test_named_depths_are_means_over_places_of_hooked_outputs(build, paths, places):
    network = randomised(build(), std=0.05)
    model = adopted(network).model
    assert isinstance(model, Foreign)
    assert model.depths == (*paths, HEAD)
    hooked = {}

    def keep(path):
        return lambda _, given, out: hooked.update({path: out if torch.is_tensor(out) else out[0]})

    hooks = [network.get_submodule(path).register_forward_hook(keep(path)) for path in paths]
    with torch.no_grad():
        (exit_,) = model.exits(IMAGES)
        readings = model.readings(IMAGES)
    for hook in hooks:
        hook.remove()
    assert torch.equal(exit_, logits(network, IMAGES))
    *stages, head = [reading.stream for reading in readings]
    for path, found in zip(paths, stages, strict=True):
        assert torch.allclose(found, hooked[path].mean(dim=places), atol=1e-6)
    assert len({found.shape[1] for found in stages}) > 1
    linear = [m for m in network.modules() if isinstance(m, torch.nn.Linear)][-1]
    with torch.no_grad():
        assert torch.equal(linear(head), exit_)


class Stated(torch.nn.Module):
    """States its stages as timm does: one has its channels last, one lies, and one never runs."""

    feature_info = [  # noqa: RUF012
        {"module": name, "num_chs": 4} for name in ("first", "last", "lies", "never", "missing")
    ]

    def __init__(self):
        super().__init__()
        self.first, self.last, self.lies = torch.nn.Conv2d(3, 4, 3), Turned(), Doubled()
        self.never, self.classifier = torch.nn.Identity(), torch.nn.Linear(4, 5)

    def forward(self, images):
        x = self.first(images)
        self.last(x), self.lies(x)
        return self.classifier(x.mean(dim=(2, 3)))


class Turned(torch.nn.Module):
    """Channels first to channels last."""

    def forward(self, x):
        return 2 * x.permute(0, 2, 3, 1)


class Doubled(torch.nn.Module):
    """Twice as many channels."""

    def forward(self, x):
        return torch.cat([x, x], dim=1)


def test_stages_are_believed_where_their_outputs_are_as_stated():
    model = adopted(randomised(Stated())).model
    assert model.depths == ("first", "last", HEAD)
    with torch.no_grad():
        first, last, head = (reading.stream for reading in model.readings(IMAGES))
    assert torch.allclose(last, 2 * first, atol=1e-6)
    assert torch.allclose(head, first, atol=1e-6)


def test_no_hook_is_left_behind():
    network = randomised(resnet())
    model = adopted(network).model
    with torch.no_grad():
        model.readings(IMAGES)
    assert not any(module._forward_hooks for module in network.modules())


def test_depths_of_a_module_of_ones_own():
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(3600, 7),
        torch.nn.Linear(7, 5),
    )
    model = adopted(randomised(module), depths=("1", "3")).model
    assert model.depths == ("1", "3", HEAD)
    with torch.no_grad():
        first, second, head = (reading.stream for reading in model.readings(IMAGES))
        expected = module[:2](IMAGES)
        assert torch.allclose(first, expected.mean(dim=(2, 3)), atol=1e-6)
        assert torch.equal(second, module[:4](IMAGES))
        assert torch.equal(head, second)


def test_stated_depths_take_the_place_of_exits():
    network = _torchvision(DEPTH)
    model = adopted(network, depths=("encoder.layers.encoder_layer_0",)).model
    assert not isinstance(model, Layered)
    with torch.no_grad():
        tokens = [*adopted(network).model.streams(IMAGES)][1]
        found, _ = model.readings(IMAGES)
    assert torch.allclose(found.stream, tokens.mean(dim=1), atol=1e-6)


def test_a_depth_that_is_no_module_is_refused():
    with pytest.raises(CheckpointError, match=r"`depths`: must be modules of ResNet \(conv1, bn1"):
        adopted(resnet(), depths=("layer9",))


def test_a_depth_that_never_runs_is_said():
    inner = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 5))
    model = adopted(Holder(inner), depths=("spare",)).model
    with pytest.raises(Unsupported, match="spare must be a module that runs"):
        model.readings(IMAGES)


class Holder(torch.nn.Module):
    """A network with a part that it never calls."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.spare = inner, torch.nn.Linear(2, 2)

    def forward(self, images):
        return self.inner(images)
