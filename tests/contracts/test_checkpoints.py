"""Every source of checkpoints keeps the contract of `Checkpoint`."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from acn_eval.checkpoints import from_module, load
from acn_eval.data import Geometry, PrepareImages
from acn_eval.texts import SentenceBatch
from tests.checkpoints.bert_folders import saved
from tests.checkpoints.files import (
    official_file,
    pictures,
    released_state,
    written,
    written_text,
)
from tests.checkpoints.foreign_models import SAVED
from tests.checkpoints.library_files import with_card
from tests.stores.shelves import client_in, shelved


def _memory(folder):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    torch.nn.init.normal_(module[1].weight, generator=torch.Generator().manual_seed(0))
    torch.nn.init.zeros_(module[1].bias)
    prepare = PrepareImages(Geometry(8, 1), (0.5,), (0.5,))
    return from_module(module, name="own", classes=("a", "b", "c"), prepare=prepare)


def _timm(folder):
    timm = pytest.importorskip("timm")
    path = folder / "weights.pt"
    if not path.exists():
        torch.save(timm.create_model("test_vit", num_classes=3).state_dict(), path)
    return load(f"timm:test_vit@{path}")


_OWN = """
import torch
from acn_eval import from_module
from acn_eval.data import Geometry, PrepareImages


def build():
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    torch.nn.init.normal_(module[1].weight, generator=torch.Generator().manual_seed(0))
    torch.nn.init.zeros_(module[1].bias)
    prepare = PrepareImages(Geometry(8, 1), (0.5,), (0.5,))
    return from_module(module, name="own", classes=("a", "b", "c"), prepare=prepare)
"""


def _module(folder):
    (folder / "net.py").write_text(_OWN)
    return load(f"module:{folder}/net.py:build")


def _official(reading):
    arch = f"official/{reading}"
    state = released_state(arch)
    return lambda folder: load(str(official_file(folder / "best.pth.tar", state)), arch)


def _installed(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "toys" / "checkpoint"))
        return load("linear:1")


def _folder(folder):
    place = folder / "hf"
    if not place.exists():
        saved(place)
    return load(f"hf:{place}")


def _registered(folder):
    place = folder / "store"
    if not place.exists():
        place.mkdir()
        shelved(client_in(place), "net", written(folder / "a.pt"))
    return load("models:/net/1", tracking_uri=f"sqlite:///{place / 'mlflow.db'}")


def _saved(name):
    def made(folder):
        place = folder / "saved"
        if not place.exists():
            place.mkdir()
            SAVED[name](place)
        return load(SAVED_AS[name].format(place))

    return made


SAVED_AS = {
    "torchvision shufflenet": "torchvision:shufflenet_v2_x0_5@{}/vision.pth",
    "hf vit": "hf:{}",
    "hf convnext": "hf:{}",
}


SOURCES = {
    "pt": lambda folder: load(str(written(folder / "a.pt"))),
    "safetensors": lambda folder: load(str(written(folder / "a.safetensors"))),
    "official/ac-mixer": _official("ac-mixer"),
    "official/res-mixer": _official("res-mixer"),
    "official/ac-vit": _official("ac-vit"),
    "official/vit": _official("vit"),
    "text": lambda folder: load(str(written_text(folder / "t.pt"))),
    "hf": _folder,
    "timm": _timm,
    **{name: _saved(name) for name in SAVED_AS},
    "a card beside": lambda folder: load(str(with_card(folder / "net.safetensors"))),
    "models": _registered,
    "memory": _memory,
    "module": _module,
    "installed": _installed,
}


def shown(checkpoint):
    """Three prepared examples."""
    if checkpoint.prepare.spec.modality == "sentences":
        return checkpoint.prepare(SentenceBatch((("good film",), ("",), ("bad, bad, bad",))))
    return checkpoint.prepare.normalize(pictures(checkpoint))


@pytest.fixture(params=SOURCES.values(), ids=SOURCES.keys())
def made(request, tmp_path):
    return lambda: request.param(tmp_path)


def test_it_answers_with_one_logit_per_class_and_ends_with_its_last_exit(made):
    checkpoint = made()
    given = shown(checkpoint)
    with torch.no_grad():
        logits, exits = checkpoint.model(given), checkpoint.model.exits(given)
        again = checkpoint.model(given)
    assert logits.shape == (3, len(checkpoint.classes))
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()
    assert torch.equal(logits, exits[-1])
    assert torch.equal(logits, again)
    assert {e.shape for e in exits} == {logits.shape}
    depth = checkpoint.id.arch.get("depth")
    assert len(exits) == (1 if depth is None else depth + 1)


def test_its_parameters_are_finite_fp32_and_counted(made):
    checkpoint = made()
    parameters = list(checkpoint.model.parameters())
    assert {p.dtype for p in parameters} == {torch.float32}
    assert all(torch.isfinite(p).all() for p in parameters)
    assert sum(p.numel() for p in parameters) == checkpoint.id.parameters
    assert checkpoint.id.flops > 0
    assert not checkpoint.model.training


def test_its_record_is_plain_json_and_the_same_every_time(made):
    first, second = made(), made()
    assert json.loads(json.dumps(asdict(first.id)))["sha256"] == first.id.sha256
    assert first.id == second.id
    assert len(first.id.sha256) == 64
    assert first.id.name
    assert first.id.uri


def test_its_parts_fit_each_other(made):
    checkpoint = made()
    assert checkpoint.training_hashes.dtype == np.int64
    assert len(set(checkpoint.classes)) == len(checkpoint.classes)
    prepare = checkpoint.prepare
    if prepare.spec.modality == "sentences":
        assert prepare.longest <= checkpoint.id.arch["positions"]
        assert len(prepare.vocabulary) == checkpoint.id.arch["vocabulary"]
    else:
        assert len(prepare.mean) == len(prepare.std) == prepare.spec.channels
