"""``torchvision:NAME``: what is read, what is downloaded, and what is refused."""

import hashlib
import resource
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch
import torchvision

from acn_eval.checkpoints import load
from acn_eval.checkpoints import torchvision_hub as hub
from acn_eval.checkpoints.downloads import reachable
from tests.checkpoints.files import pictures, refusal
from tests.checkpoints.foreign_models import built

NAME = "shufflenet_v2_x0_5"


@pytest.fixture(scope="module")
def model():
    return built(lambda: torchvision.models.get_model(NAME, num_classes=5), 0.3)


@pytest.fixture(params=["a.pth", "a.safetensors", "state_dict.pt", "model.pt"])
def file(request, tmp_path, model):
    path = tmp_path / request.param
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(model.state_dict(), path)
    else:
        state = model.state_dict()
        torch.save(state if path.stem == "a" else {path.stem: state, "epoch": 3}, path)
    return path


def test_every_form_of_a_file(file, model):
    checkpoint = load(f"torchvision:{NAME}@{file}")
    images = checkpoint.prepare(pictures(checkpoint))
    with torch.no_grad():
        assert torch.equal(checkpoint.model(images), model(images))
    assert checkpoint.classes == tuple("01234")
    assert not checkpoint.named


def test_what_is_drawn_by_others_is_not_moved(tmp_path, model):
    torch.save(model.state_dict(), tmp_path / "a.pt")
    before = torch.get_rng_state()
    load(f"torchvision:{NAME}@{tmp_path / 'a.pt'}")
    assert torch.equal(torch.get_rng_state(), before)


def test_images_come_to_size_as_every_preset_of_torchvision_says():
    models = torchvision.models
    for name in models.list_models(module=models):
        for weights in models.get_model_weights(name):
            preset = weights.transforms()
            framing = hub._prepare(preset).spec.framing
            assert framing.resized(500, 700, preset.crop_size[0])[0] == preset.resize_size[0]


FAMILIES = (
    *("alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "maxvit_t", "mnasnet0_5"),
    *("mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "resnet18", "shufflenet_v2_x0_5"),
    *("squeezenet1_0", "swin_t", "swin_v2_t", "vgg11", "vit_b_32"),
)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_head_of_every_family_is_found_without_memory(name):
    architecture = hub._Architecture(torchvision.models, name, {})
    network = architecture._skeleton(7)
    assert network.get_parameter(hub._head(network)).shape[0] == 7


def test_names_that_a_densenet_had_once_are_read():
    key = "features.denseblock1.denselayer2.norm.1.weight"
    assert hub._modern(key) == "features.denseblock1.denselayer2.norm1.weight"
    assert hub._modern("features.norm0.weight") == "features.norm0.weight"


def test_tables_of_indices_are_the_librarys(tmp_path):
    """A file could point them outside of what they index."""
    made = built(lambda: torchvision.models.get_model("swin_t", num_classes=3), 0.02)
    state = made.state_dict()
    (name, *_) = (key for key, value in state.items() if value.dtype == torch.int64)
    torch.save({**state, name: torch.full_like(state[name], 10**9)}, tmp_path / "a.pt")
    found = load(f"torchvision:swin_t@{tmp_path / 'a.pt'}").model.inner.state_dict()
    assert torch.equal(found[name], state[name])


WRONG = {
    "unknown": ("resnet19", "Did you mean resnet1"),
    "detection": ("fasterrcnn_resnet50_fpn", "must classify images; it detects"),
    "segmentation": ("fcn_resnet50", "must classify images; it detects, segments"),
    "video": ("r3d_18", "reads videos"),
    "quantized": ("quantized_resnet18", "quantized"),
    "auxiliary heads": ("googlenet", "must have one head; googlenet has auxiliary ones"),
    "inception": ("inception_v3", "must have one head"),
    "a tag": ("resnet50.V3", "its weights must be IMAGENET1K_V1, IMAGENET1K_V2; got 'V3'"),
    "no file": (f"{NAME}@none.pth", "must be a weight file; there is none"),
    "nothing": ("", "must be a name of torchvision"),
}


@pytest.mark.parametrize(("spec", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_classifier_is_refused_in_one_line(spec, said):
    assert said in refusal(f"torchvision:{spec}")


def test_weights_that_do_not_fit_are_refused_before_memory_is_taken(tmp_path, model):
    state = model.state_dict()

    def said(name, state):
        torch.save(state, tmp_path / "a.pt")
        return refusal(f"torchvision:{name}@{tmp_path / 'a.pt'}")

    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "those of its head" in said("vit_h_14", state)
    head = {"heads.head.weight": torch.zeros(5, 1280), "heads.head.bias": torch.zeros(5)}
    assert "must hold the weights of vit_h_14; Missing" in said("vit_h_14", head)
    nothing = {"fc.weight": torch.zeros(10**6, 0)}
    wanted = "those of its head, fc.weight, a row of 440 per class, are missing"
    assert wanted in said("regnet_y_400mf", nothing)
    assert "fc.weight, a row of 1024 per class" in said(
        NAME, {**state, "fc.weight": torch.zeros(2**20, 2), "fc.bias": torch.zeros(2**20)}
    )
    assert "Missing key" in said(NAME, {k: v for k, v in state.items() if k != "conv5.1.bias"})
    assert "Unexpected key" in said(NAME, {**state, "more": torch.zeros(2)})
    assert "those of its head" in said(NAME, {**state, "fc.weight": torch.zeros(1, 1024)})
    assert "weights must be finite" in said(
        NAME, {**state, "fc.bias": torch.full((5,), torch.nan)}
    )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start < 300 * 1024


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def published(cache, model, monkeypatch, prefix=""):
    """Weights in torch's cache; the prefix of the sha256 stands in the name."""
    file = cache / "weights"
    torch.save(model.state_dict(), file)
    prefix = prefix or hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    named = file.rename(cache / f"small-{prefix}.pth")
    real = torchvision.models.get_model_weights(NAME).DEFAULT
    weights = SimpleNamespace(
        url=f"https://nowhere.invalid/models/{named.name}",
        meta=real.meta,
        transforms=real.transforms,
    )
    monkeypatch.setattr(hub, "_weights", lambda *args: weights)
    return named


def test_published_weights_come_from_the_cache_with_their_names(cache, monkeypatch):
    model = built(lambda: torchvision.models.get_model(NAME), 0.3)
    published(cache, model, monkeypatch)
    checkpoint = load(f"torchvision:{NAME}")
    images = checkpoint.prepare(pictures(checkpoint))
    with torch.no_grad():
        assert torch.equal(checkpoint.model(images), model(images))
    assert checkpoint.classes[:2] == ("tench", "goldfish")
    assert len(checkpoint.classes) == 1000
    assert checkpoint.id.uri == f"torchvision:{NAME}"


def test_a_file_in_the_cache_with_another_digest_is_refused(cache, model, monkeypatch):
    file = published(cache, model, monkeypatch, prefix="0123abcd")
    assert f"{file}: must be the published file, its sha256 0123abcd" in refusal(
        f"torchvision:{NAME}"
    )


def test_without_internet_one_line_says_what_to_bring(cache, model, monkeypatch):
    published(cache, model, monkeypatch).unlink()
    monkeypatch.setattr(hub, "reachable", lambda url: False)
    said = refusal(f"torchvision:{NAME}.IMAGENET1K_V1")
    assert "there is no internet. Bring https://nowhere.invalid/models/small-" in said
    assert f"give it as torchvision:{NAME}.IMAGENET1K_V1@FILE" in said


def test_a_download_whose_digest_differs_leaves_nothing(cache, model, monkeypatch, tmp_path):
    """By torch's own function, from a file instead of a server."""
    file = published(cache, model, monkeypatch, prefix="0123abcd")
    other = file.rename(tmp_path / "served")
    urlopen = torch.hub.urlopen
    monkeypatch.setattr(hub, "reachable", lambda url: True)
    monkeypatch.setattr(torch.hub, "urlopen", lambda _: urlopen(other.as_uri()))
    said = refusal(f"torchvision:{NAME}")
    assert 'invalid hash value (expected "0123abcd"' in said
    assert [*cache.iterdir()] == []


def test_a_download_is_kept(cache, monkeypatch, tmp_path):
    model = built(lambda: torchvision.models.get_model(NAME), 0.3)
    file = published(cache, model, monkeypatch)
    served = tmp_path / "served"
    file.rename(served)
    urlopen = torch.hub.urlopen
    monkeypatch.setattr(hub, "reachable", lambda url: True)
    monkeypatch.setattr(torch.hub, "urlopen", lambda _: urlopen(served.as_uri()))
    first = load(f"torchvision:{NAME}")
    served.unlink()
    assert file.exists()
    assert load(f"torchvision:{NAME}").id == first.id


def test_the_real_addresses_hold_a_prefix_of_their_digest():
    assert not reachable("https://nowhere.invalid")
    models = torchvision.models
    for name in models.list_models(module=models):
        for weights in models.get_model_weights(name):
            assert hub._HASH.search(weights.url), weights.url
