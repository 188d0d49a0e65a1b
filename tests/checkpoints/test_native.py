"""Our own files: what is written is read, and nothing else is believed."""

import os
import pickle
import random
import warnings

import pytest
import safetensors.torch
import torch

from acn_eval.checkpoints import Native, load
from acn_eval.checkpoints.native import digest, read_native, write_native
from acn_eval.errors import CheckpointError
from acn_eval.models import build
from acn_eval.shipped import shipped
from tests.checkpoints.files import (
    ARCH,
    SEEN,
    TRAINING,
    card,
    pictures,
    raw_pt,
    refusal,
    weights,
    written,
)

SUFFIXES = pytest.mark.parametrize("suffix", [".pt", ".safetensors"])


@SUFFIXES
def test_what_is_written_is_read(tmp_path, suffix):
    state = weights()
    native = read_native(written(tmp_path / f"a{suffix}", state=state))
    assert native.card == card()
    assert torch.equal(native.training_hashes, SEEN)
    assert native.state.keys() == state.keys()
    assert all(torch.equal(native.state[key], state[key]) for key in state)
    assert [f.name for f in tmp_path.iterdir()] == [f"a{suffix}"]


@SUFFIXES
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_of_any_precision_are_loaded_as_fp32(tmp_path, suffix, dtype):
    stored = weights(dtype)
    checkpoint = load(str(written(tmp_path / f"a{suffix}", state=stored)))
    network = build(ARCH)
    network.load_state_dict({key: value.float() for key, value in stored.items()})
    images = checkpoint.prepare.normalize(pictures(checkpoint))
    assert {p.dtype for p in checkpoint.model.parameters()} == {torch.float32}
    with torch.no_grad():
        assert torch.equal(checkpoint.model(images), network.eval()(images))


def test_the_facts_of_a_training_are_flat(tmp_path):
    checkpoint = load(str(written(tmp_path / "a.pt", training=TRAINING, data_fingerprint="ff")))
    facts = checkpoint.id.training
    assert facts["seed"] == 3
    assert facts["examples"] == 70
    assert facts["data"] == "digits"
    assert facts["data_fingerprint"] == "ff"
    assert not {"arch", "pair", "classes"} & facts.keys()
    assert facts["recipe"] == "batch 64, crop_padding 1"
    assert facts["paired_seeds"] is None
    declared = {"correlation": 0.4, "seeds": [90, 91, 92, 93, 94]}
    training = {**TRAINING, "recipe": {**TRAINING["recipe"], "paired_seeds": declared}}
    twin = load(str(written(tmp_path / "b.pt", training=training, data_fingerprint="ff")))
    assert twin.id.training["paired_seeds"] == declared


def test_files_without_a_card(tmp_path):
    said = refusal(raw_pt(tmp_path / "a.pt", acn_eval_card=None))
    assert "`arch`" in said
    torch.save(weights(), tmp_path / "b.pt")
    assert "`arch`" in refusal(tmp_path / "b.pt")
    safetensors.torch.save_file(weights(), tmp_path / "c.safetensors")
    assert "card" in refusal(tmp_path / "c.safetensors")


def test_a_list_of_training_images_is_optional_and_checked(tmp_path):
    checkpoint = load(str(raw_pt(tmp_path / "a.pt", acn_eval_trained_on=None)))
    assert checkpoint.training_hashes.tolist() == []
    for wrong in (torch.zeros(3), torch.zeros(2, 2, dtype=torch.int64), "all"):
        assert "trained_on" in refusal(raw_pt(tmp_path / "b.pt", acn_eval_trained_on=wrong))


@pytest.mark.parametrize(
    "state",
    [
        [],
        "weights",
        {"a": 3},
        {1: torch.zeros(2)},
        {"a": torch.zeros(2, dtype=torch.complex64)},
        {"a": torch.eye(2).to_sparse()},
    ],
    ids=["list", "text", "number", "key", "complex", "sparse"],
)
def test_a_state_that_is_none(tmp_path, state):
    assert "must" in refusal(raw_pt(tmp_path / "a.pt", state=state))


class Touches:
    """A pickle of this would touch a file when it is loaded."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("arch", [None, "official/ac-mixer"])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path, arch, legacy):
    target, path = tmp_path / "touched", tmp_path / "evil.pt"
    content = {"acn_eval_card": "{}", "state": Touches(target), "state_dict": Touches(target)}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    said = refusal(path, arch)
    assert "run code" in said
    assert "refused" in said
    assert not target.exists()
    torch.load(path, weights_only=False)  # so that this test can fail
    assert target.exists()


def test_a_bare_pickle_is_refused(tmp_path):
    target, path = tmp_path / "touched", tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Touches(target)))
    refusal(path)
    assert not target.exists()
    pickle.loads(path.read_bytes())
    assert target.exists()


def test_a_script_of_torch_is_refused_without_a_warning(tmp_path):
    path = tmp_path / "script.pt"
    with warnings.catch_warnings(record=True):  # torch deprecates what people still have
        warnings.simplefilter("always")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.warns(UserWarning, match="TorchScript"), pytest.raises(RuntimeError):
        torch.load(path, weights_only=True)
    assert str(path) in refusal(path)


@SUFFIXES
@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(tmp_path, suffix, share):
    path = written(tmp_path / f"a{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert str(path) in refusal(path)


@SUFFIXES
def test_random_bytes(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    for seed in range(20):
        path.write_bytes(random.Random(seed).randbytes(1 + seed * 97))
        assert str(path) in refusal(path)


@SUFFIXES
def test_flipped_bytes_are_refused_or_are_other_weights_never_a_traceback(tmp_path, suffix):
    path, shuffle = written(tmp_path / f"a{suffix}"), random.Random(0)
    content, refused = path.read_bytes(), 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(shuffle.choice([1, 3, 20])):
            damaged[shuffle.randrange(min(len(damaged), 4000))] = shuffle.randrange(256)
        path.write_bytes(damaged)
        try:
            load(str(path))
        except CheckpointError:
            refused += 1
    assert refused > 50


def changed(**changes):
    return {k: v for k, v in {**weights(), **changes}.items() if v is not None}


@SUFFIXES
@pytest.mark.parametrize(
    ("state", "said"),
    [
        (changed(**{"head.weight": torch.zeros(5, 8)}), "head.weight"),
        (changed(**{"head.weight": None}), "head.weight"),
        (changed(**{"tail": torch.zeros(2)}), "tail"),
        (changed(**{"head.weight": torch.zeros(4, 8, dtype=torch.int64)}), "head.weight"),
        (changed(**{"norm.bias": torch.full((8,), float("nan"))}), "norm.bias"),
        (changed(**{"norm.bias": torch.tensor([0.0] * 7 + [float("inf")])}), "norm.bias"),
        (changed(**{"norm.bias": torch.full((8,), 1e300, dtype=torch.float64)}), "norm.bias"),
    ],
    ids=["shape", "missing", "extra", "integers", "nan", "inf", "too large for fp32"],
)
def test_weights_that_do_not_fit_or_are_not_finite(tmp_path, suffix, state, said):
    path = written(tmp_path / f"a{suffix}", state=state)
    refused = refusal(path)
    assert said in refused
    assert path.name in refused


def test_a_killed_write_leaves_the_old_file(tmp_path):
    path = written(tmp_path / "a.pt")
    before = path.read_bytes()
    unwritable = Native(card(), {"a": lambda: None}, SEEN)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        write_native(path, unwritable)
    assert path.read_bytes() == before


def test_nothing_is_asked_of_a_recipe_but_that_it_is_one(tmp_path):
    for recipe in ({"augment": None}, {"augment": [1]}, {"augment": {"flip": True}, "arch": 3}):
        training = {**TRAINING, "recipe": recipe}
        facts = load(str(written(tmp_path / "a.pt", training=training))).id.training
        assert facts["recipe"] == ("flip True" if "arch" in recipe else "")


def test_one_flipped_bit_of_a_safetensors_file_is_found(tmp_path):
    """Every bit of four bytes in every tensor: a flipped one often gives a number like others."""
    path = written(tmp_path / "a.safetensors")
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    for at in range(start, len(content), len(content) // 40):
        for bit in range(8):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
            assert "digest" in refusal(path)
    path.write_bytes(content)
    load(str(path))


def test_one_flipped_bit_of_a_pt_file_is_found(tmp_path):
    path = written(tmp_path / "a.pt")
    content = path.read_bytes()
    for value in weights().values():
        raw = value.numpy().tobytes()
        at = content.index(raw)
        path.write_bytes(content[:at] + bytes([raw[0] ^ 1]) + content[at + 1 :])
        assert "checksum" in refusal(path)


def otherwise(path, **changes):
    """The same file with another content under its old digest."""
    torch.save({**torch.load(path, weights_only=True), **changes}, path)
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"state": weights(seed=1)},
        {"state": {key: value.half() for key, value in weights().items()}},
        {"acn_eval_trained_on": SEEN + 1},
        {"acn_eval_trained_on": torch.empty(0, dtype=torch.int64)},
        {"acn_eval_card": card(mean=(0.4,)).model_dump_json()},
    ],
    ids=["weights", "precision", "images", "no images", "card"],
)
def test_the_digest_covers_all_that_a_file_says(tmp_path, changes):
    assert "digest" in refusal(otherwise(written(tmp_path / "a.pt"), **changes))
    torch_only = otherwise(written(tmp_path / "b.pt"))
    assert load(str(torch_only)).id.training == {}


def test_a_file_without_a_digest_is_read_and_the_record_says_so(tmp_path):
    checkpoint = load(str(raw_pt(tmp_path / "a.pt")))
    assert checkpoint.id.training == {"digest": "none: its weights are not checked"}
    assert not checkpoint.native.checked


@pytest.mark.parametrize("name", ["acn_eval_digesu", "extra"])
def test_a_digest_by_another_name_is_no_missing_one(tmp_path, name):
    assert "nothing else" in refusal(raw_pt(tmp_path / "a.pt", **{name: "0"}))
    metadata = {"acn_eval_card": card().model_dump_json(), name: "0"}
    safetensors.torch.save_file(weights(), tmp_path / "a.safetensors", metadata)
    assert "nothing else" in refusal(tmp_path / "a.safetensors")
    content = written(tmp_path / "b.safetensors").read_bytes()
    (tmp_path / "b.safetensors").write_bytes(content.replace(b"_digest", b"_digesu"))
    assert "_digesu" in refusal(tmp_path / "b.safetensors")


def test_every_shipped_file_holds_its_digest():
    paths = sorted(shipped("checkpoints").rglob("*.pt"))
    assert len(paths) == 49
    assert all(read_native(path).checked for path in paths)
    assert sum(path.stat().st_size for path in paths) < 40e6


BASE = {"a": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "b": torch.tensor(5, dtype=torch.int64)}


def test_order_and_memory_do_not_matter():
    assert digest(BASE) == digest(dict(reversed(BASE.items())))
    strided = {**BASE, "a": BASE["a"].T.contiguous().T}
    assert not strided["a"].is_contiguous()
    assert digest(BASE) == digest(strided)


@pytest.mark.parametrize(
    "other",
    [
        {**BASE, "a": BASE["a"] + 1e-6},
        {**BASE, "b": BASE["b"] + 1},
        {**BASE, "a": BASE["a"].reshape(4)},
        {**BASE, "a": BASE["a"].view(torch.int32)},
        {"a": BASE["a"], "c": BASE["b"]},
        {"a": BASE["a"]},
        {},
    ],
    ids=["value", "integer", "shape", "type", "name", "one less", "none"],
)
def test_everything_else_does(other):
    assert digest(other) != digest(BASE)
    assert digest(BASE, "words") != digest(BASE)


@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.uint8, torch.float16, torch.bfloat16, torch.float64]
)
def test_every_type_has_one(dtype):
    ones = {"a": torch.ones(3, dtype=dtype), "none": torch.empty(0, dtype=dtype)}
    assert digest(ones) != digest({**ones, "a": torch.zeros(3, dtype=dtype)})
