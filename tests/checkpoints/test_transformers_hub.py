"""Folders of transformers' classifiers of images: what is read, and what is refused."""

import json
import resource
import sys
from dataclasses import replace

import pytest
import safetensors.torch
import torch
import transformers

from acn_eval.checkpoints import load, reframed
from acn_eval.checkpoints.foreign import Layered
from acn_eval.checkpoints.transformers_hub import IMAGE_MODELS
from acn_eval.errors import MissingExtra
from acn_eval.studies.compare import network_key
from tests.checkpoints.files import refusal
from tests.checkpoints.foreign_models import SAVED, pictures, shown


@pytest.fixture
def folder(tmp_path):
    SAVED["hf vit"](tmp_path)
    return tmp_path


def edited(folder, file="config.json", **changes):
    path = folder / file
    settings = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in settings.items() if v != "gone"}))


def weights(folder, change):
    file = folder / "model.safetensors"
    state = safetensors.torch.load_file(file)
    change(state)
    safetensors.torch.save_file(state, file)


def test_every_class_that_is_read_exists():
    for kind, names in IMAGE_MODELS.items():
        for name in names:
            assert getattr(transformers, name).config_class.model_type == kind


def test_both_layouts_of_names_are_read(folder):
    """Files of the hub have the names of earlier versions, which save_pretrained still writes."""
    state = safetensors.torch.load_file(folder / "model.safetensors")
    assert "vit.encoder.layer.0.attention.attention.query.weight" in state
    given = [*pictures(3)]
    old = load(f"hf:{folder}")
    assert isinstance(old.model, Layered)
    new = {k: v.clone() for k, v in old.model.inner.state_dict().items()}
    assert "vit.layers.0.attention.q_proj.weight" in new
    safetensors.torch.save_file(new, folder / "model.safetensors")
    again = load(f"hf:{folder}")
    assert again.id.sha256 == old.id.sha256
    with torch.no_grad():
        assert torch.equal(again.model(shown(again, given)), old.model(shown(old, given)))


def test_half_precision_is_read_as_fp32(folder):
    before = load(f"hf:{folder}")
    weights(folder, lambda s: s.update({k: v.half() for k, v in s.items()}))
    edited(folder, dtype="float16")
    after = load(f"hf:{folder}")
    assert {p.dtype for p in after.model.parameters()} == {torch.float32}
    assert after.id.sha256 != before.id.sha256


def test_classes_without_names_are_numbered(folder):
    edited(folder, id2label={str(i): f"LABEL_{i}" for i in range(5)})
    checkpoint = load(f"hf:{folder}")
    assert checkpoint.classes == tuple("01234")
    assert not checkpoint.named


WIRED = {
    "heads": ("hf vit", {"num_attention_heads": 2}),
    "activation": ("hf vit", {"hidden_act": "relu"}),
    "epsilon": ("hf vit", {"layer_norm_eps": 0.1}),
    "activation of stages": ("hf swin", {"hidden_act": "relu"}),
}


@pytest.mark.parametrize(("kind", "changes"), WIRED.values(), ids=WIRED)
def test_equal_weights_that_are_wired_differently_are_two_networks(kind, changes, tmp_path):
    """The cache, and what groups the seeds of a network, go by the record."""
    SAVED[kind](tmp_path)
    one = load(f"hf:{tmp_path}").id
    edited(tmp_path, **changes)
    two = load(f"hf:{tmp_path}").id
    assert one.arch != two.arch
    assert network_key(one, group=True) != network_key(two, group=True)


def test_seeds_of_one_network_share_its_wiring(folder):
    one = load(f"hf:{folder}").id
    names = {str(i): f"of another run {i}" for i in range(5)}
    ids = {name: int(i) for i, name in names.items()}
    edited(folder, id2label=names, label2id=ids, transformers_version="4.1", dtype="float16")
    weights(folder, lambda s: s["classifier.bias"].add_(1))
    two = load(f"hf:{folder}").id
    assert one.sha256 != two.sha256
    assert network_key(replace(two, name=one.name), group=True) == network_key(one, group=True)


def test_tensors_that_no_logit_needs_are_left_out(folder):
    one = load(f"hf:{folder}").id
    more = {
        "vit.embeddings.position_ids": torch.arange(17),
        "vit.pooler.dense.bias": torch.ones(32),
    }
    weights(folder, lambda s: s.update(more))
    assert load(f"hf:{folder}").id == one


def test_nothing_is_drawn_and_nothing_is_said(folder, capfd):
    before = torch.get_rng_state()
    load(f"hf:{folder}")
    assert torch.equal(torch.get_rng_state(), before)
    assert capfd.readouterr() == ("", "")
    assert transformers.utils.logging.is_progress_bar_enabled()


def test_code_of_the_folder_is_never_run(folder):
    """Neither a class that auto_map names, nor an implementation of attention from the hub."""
    marker = folder / "ran"
    code = f"open({str(marker)!r}, 'w')\n"
    (folder / "modeling_own.py").write_text(code)
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")
    edited(
        folder,
        auto_map={"AutoModelForImageClassification": "modeling_own.Own"},
        attn_implementation="owner/kernel",
        _attn_implementation="owner/kernel",
        _attn_implementation_internal="owner/kernel",
    )
    assert load(f"hf:{folder}").id.uri == f"hf:{folder}"
    assert not marker.exists()


def test_fields_of_every_kind_of_network_are_not_read(folder, capfd):
    """transformers builds names of as many labels as one states, and prints some as they are."""
    before = load(f"hf:{folder}")
    escape = "\x1b[31mx\x07"
    edited(
        folder, num_labels=10**6, sub_configs=escape, dtype=escape, own=escape, use_cache=escape
    )
    assert load(f"hf:{folder}").id == before.id
    assert capfd.readouterr() == ("", "")


def _renamed(key):
    """The file holds as many numbers, one tensor by another name."""
    return lambda f: weights(f, lambda s: s.update({"other": s.pop(key)}))


WRONG = {
    "another kind": (lambda f: edited(f, model_type="gpt2"), "must be a BERT"),
    "a kind that is no text": (lambda f: edited(f, model_type=["vit"]), "must be a BERT"),
    "another class": (
        lambda f: edited(f, architectures=["ViTModel"]),
        "architectures must be [ViTForImageClassification]; got ['ViTModel']",
    ),
    "quantized": (
        lambda f: edited(f, quantization_config={"quant_method": "bitsandbytes"}),
        "must not be quantized",
    ),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "there are no weights"),
    "no processor": (
        lambda f: (f / "preprocessor_config.json").unlink(),
        "preprocessor_config.json: must be a file of JSON; No such file",
    ),
    "padding": (
        lambda f: edited(f, "preprocessor_config.json", do_pad=True),
        "do_pad must be left out",
    ),
    "another size": (
        lambda f: edited(f, "preprocessor_config.json", size=64),
        "must prepare images of 32 pixels, as config.json says; got 64",
    ),
    "a missing head": (_renamed("classifier.weight"), "classifier.weight is missing"),
    "a missing block": (
        lambda f: weights(f, lambda s: s.pop("vit.encoder.layer.2.output.dense.weight")),
        "config.json must describe the weights",
    ),
    "fewer blocks than weights": (
        lambda f: edited(f, num_hidden_layers=2),
        "must hold the weights of ViTForImageClassification alone; vit.layers.2.",
    ),
    "weights without their bias": (
        lambda f: edited(f, qkv_bias=False),
        "attention.k_proj.bias is not one",
    ),
    "classes": (
        lambda f: edited(f, id2label={"0": "a", "1": "b"}, label2id="gone"),
        "must fit ViTForImageClassification",
    ),
    "a problem": (lambda f: edited(f, problem_type="regression"), "must classify examples"),
    "text for a number": (lambda f: edited(f, hidden_size="wide"), "must fit ViTForImage"),
    "a negative number": (lambda f: edited(f, hidden_size=-4), "must fit ViTForImage"),
    "no heads": (lambda f: edited(f, num_attention_heads=0), "must fit ViTForImage"),
    "no activation": (lambda f: edited(f, hidden_act="own"), "must fit ViTForImage"),
    "NaN": (
        lambda f: weights(f, lambda s: s["classifier.bias"].fill_(torch.nan)),
        "weights must be finite",
    ),
}


@pytest.mark.parametrize(("spoil", "said"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_refused_in_one_line(folder, spoil, said):
    spoil(folder)
    assert said in refusal(f"hf:{folder}")


LARGE = {
    "blocks": {"num_hidden_layers": 10**9},
    "blocks that fit the count of tensors": {"num_hidden_layers": 50},
    "width": {"hidden_size": 2**14, "intermediate_size": 2**16},
    "overflow": {"hidden_size": 2**40},
    "positions": {"image_size": 2**15},
    "channels": {"num_channels": 2**24},
}


@pytest.mark.parametrize("changes", LARGE.values(), ids=LARGE)
def test_a_config_that_claims_more_than_the_file_takes_no_memory(folder, changes):
    edited(folder, **changes)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "config.json" in refusal(f"hf:{folder}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start < 200 * 1024


def test_tables_that_no_weight_bounds_take_no_memory(tmp_path):
    SAVED["hf swin"](tmp_path)
    for size in (100, 10**4):
        edited(tmp_path, window_size=size)
        assert "config.json" in refusal(f"hf:{tmp_path}")
    for depths in ([10**9, 1, 1, 1], [30] * 30):
        edited(tmp_path, window_size=2, depths=depths)
        assert "at most as many blocks as there are tensors" in refusal(f"hf:{tmp_path}")


def test_without_transformers_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    said = refusal(f"hf:{folder}", error=MissingExtra)
    assert said == f"hf:{folder}: needs hf; pip install 'acn-eval[hf]'"


def test_one_crop_for_all_rounds_alike(tmp_path):
    SAVED["hf deit"](tmp_path)
    read = load(f"hf:{tmp_path}")
    assert read.id.preprocessing["rounding"] == "down"
    assert reframed(read, {"interpolation": "box"}).id.preprocessing["rounding"] == "down"
    assert "rounding" not in reframed(read, {"crop_pct": 0.8}).id.preprocessing
