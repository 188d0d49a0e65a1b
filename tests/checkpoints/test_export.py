"""A network that is cut and written is the exit that it was, and costs what is said."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from acn_eval.checkpoints import Native, cut_at, export, from_module, load, write_native
from acn_eval.checkpoints.layouts import OFFICIAL as RELEASED
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.models import exit_costs, read_arch
from tests.checkpoints.files import SEEN, card, official_file, pictures, released_state
from tests.models.networks import MEMBERS, OFFICIAL, SIZES, VIT, name, network

CLASSES = tuple("abcde")
WIRINGS = [
    {**VIT, **SIZES, "connectivity": c, "grain": grain}
    for c in ("residual", "acn", "acn_direct", "highway", "denseformer", "concat")
    for grain in ("block", "sublayer")
]
BRANCHED = [fields for fields in MEMBERS if "branches" in fields]
KINDS = [*WIRINGS, *BRANCHED, {**OFFICIAL, **SIZES, "connectivity": "acn"}]


def written(folder, fields, suffix=".pt", dtype=torch.float32):
    """Write a network with random weights everywhere; return the loaded file."""
    arch = read_arch(fields, "test")
    state = {k: v.to(dtype) for k, v in network(fields).state_dict().items()}
    about = card(arch=arch, classes=CLASSES)
    path = folder / f"whole{suffix}"
    write_native(path, Native(about, state, SEEN))
    return load(str(path))


def ask(model, images):
    with torch.inference_mode():
        return model.exits(images)


def assert_is_the_exit(whole, exported, exit):
    images = whole.prepare.normalize(pictures(whole, 5))
    own = ask(exported.model, images)
    assert len(own) == exit + 1
    assert torch.equal(own[-1], ask(whole.model, images)[exit])
    with torch.inference_mode():
        assert torch.equal(exported.model(images), own[-1])


@pytest.mark.parametrize(
    ("fields", "suffix"),
    [*((fields, ".pt") for fields in KINDS), *((fields, ".safetensors") for fields in BRANCHED)],
    ids=lambda value: value if isinstance(value, str) else name(value),
)
def test_the_file_is_the_exit_bit_for_bit(tmp_path, fields, suffix):
    whole = written(tmp_path, fields, suffix)
    for exit in range(SIZES["depth"] + 1):
        out = tmp_path / f"cut{exit}{suffix}"
        export(whole, exit, out)
        exported = load(str(out))
        assert exported.id.arch["depth"] == exit
        assert_is_the_exit(whole, exported, exit)


@pytest.mark.parametrize("fields", BRANCHED, ids=name)
def test_exits_below_the_cut_keep_their_branches(tmp_path, fields):
    whole = written(tmp_path, fields)
    export(whole, 2, tmp_path / "cut.pt")
    exported = load(str(tmp_path / "cut.pt"))
    assert exported.id.arch["branches"] == [0]
    images = whole.prepare.normalize(pictures(whole))
    assert torch.equal(ask(exported.model, images)[0], ask(whole.model, images)[0])


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_are_stored_in_the_precision_that_they_had(tmp_path, suffix):
    whole = written(tmp_path, {**VIT, **SIZES}, suffix, torch.bfloat16)
    native = export(whole, 2, tmp_path / f"cut{suffix}")
    assert {value.dtype for value in native.state.values()} == {torch.bfloat16}
    assert_is_the_exit(whole, load(str(tmp_path / f"cut{suffix}")), 2)


@pytest.mark.parametrize("arch", RELEASED)
def test_the_authors_files_can_be_cut(tmp_path, arch):
    whole = load(str(official_file(tmp_path / "model.pth.tar", released_state(arch))), arch)
    export(whole, 1, tmp_path / "cut.pt")
    exported = load(str(tmp_path / "cut.pt"))
    assert exported.data == whole.data
    assert_is_the_exit(whole, exported, 1)


def test_the_card_says_where_it_comes_from(tmp_path):
    whole = written(tmp_path, {**VIT, **SIZES})
    export(whole, 1, tmp_path / "cut.pt")
    exported = load(str(tmp_path / "cut.pt"))
    assert exported.native.card.origin == f"{whole.id.sha256} cut at exit 1 of 3"
    assert exported.pair is None  # its twin is the twin of the whole
    assert np.array_equal(exported.training_hashes, whole.training_hashes)
    for field in ("classes", "data", "prepare"):
        assert getattr(exported, field) == getattr(whole, field)


def test_a_cut_can_be_cut_again(tmp_path):
    whole = written(tmp_path, {**VIT, **SIZES, "connectivity": "acn"})
    export(whole, 2, tmp_path / "two.pt")
    export(load(str(tmp_path / "two.pt")), 1, tmp_path / "one.pt")
    assert_is_the_exit(whole, load(str(tmp_path / "one.pt")), 1)


def test_the_network_that_is_cut_stays_what_it_was(tmp_path):
    whole = written(tmp_path, {**VIT, **SIZES})
    before = {k: v.clone() for k, v in whole.model.state_dict().items()}
    cut_at(whole, 1)
    after = whole.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)


@pytest.mark.parametrize("fields", [WIRINGS[0], BRANCHED[0], KINDS[-1]], ids=name)
def test_costs_that_are_reported_are_those_of_the_exported_file(tmp_path, fields):
    whole = written(tmp_path, fields)
    for exit, stated in enumerate(exit_costs(whole.model, whole.prepare.blank(1))):
        export(whole, exit, tmp_path / "cut.pt")
        exported = load(str(tmp_path / "cut.pt"))
        assert stated.parameters == sum(p.numel() for p in exported.model.parameters())
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            exported.model(torch.zeros(1, 1, 8, 8))
        assert stated.flops == counter.get_total_flops()
        assert (exported.id.parameters, exported.id.flops) == (stated.parameters, stated.flops)


def test_a_network_in_memory_is_refused(tmp_path):
    loaded = written(tmp_path, {**VIT, **SIZES})
    own = from_module(loaded.model, name="own", classes=CLASSES, prepare=loaded.prepare)
    with pytest.raises(
        Unsupported, match="memory:own: must be a file of acn-eval for a cut network"
    ):
        export(own, 1, tmp_path / "cut.pt")
    assert not (tmp_path / "cut.pt").exists()


def test_a_foreign_network_is_refused(tmp_path):
    loaded = written(tmp_path, {**VIT, **SIZES})
    foreign = replace(loaded, model=torch.nn.Identity(), native=None)
    with pytest.raises(
        Unsupported, match="must be a file of acn-eval for a cut network"
    ) as caught:
        cut_at(foreign, 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("exit", [-1, 4, 99])
def test_an_exit_that_is_not_there(tmp_path, exit):
    whole = written(tmp_path, {**VIT, **SIZES})
    with pytest.raises(ConfigError, match=f"exit must be 0 to 3; got {exit}"):
        export(whole, exit, tmp_path / "cut.pt")
    assert not (tmp_path / "cut.pt").exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_that_cannot_be_written_is_an_error_of_the_disk(tmp_path, suffix):
    """Libraries have errors of their own for it, which would pass for bugs."""
    (tmp_path / f"whole{suffix}").mkdir()
    with pytest.raises(IsADirectoryError):
        written(tmp_path, BRANCHED[0], suffix)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_who_may_read_other_new_files_may_read_this_one(tmp_path, suffix):
    (tmp_path / "new").touch()
    written(tmp_path, BRANCHED[0], suffix)
    modes = {(tmp_path / name).stat().st_mode for name in ("new", f"whole{suffix}")}
    assert len(modes) == 1
