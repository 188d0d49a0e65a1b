"""Which released network a file holds, as far as its keys say it."""

import pytest
import torch

from acn_eval.checkpoints.layouts import OFFICIAL, fitting, state_of
from tests.checkpoints.files import official_file, refusal, released_state

MIXERS = ["official/ac-mixer", "official/res-mixer"]
STATES = {arch: released_state(arch) for arch in OFFICIAL}
FITTING = {name: [name] if "vit" in name else MIXERS for name in STATES}


@pytest.mark.parametrize("name", STATES)
def test_the_keys_tell_all_but_the_two_mixers_apart(name):
    assert fitting(STATES[name]) == FITTING[name]
    assert fitting({**STATES[name], "more": torch.zeros(1)}) == []


@pytest.mark.parametrize(
    "state", [{}, None, {3: torch.zeros(1)}, {"a": 1}, {"clf.weight": 1, 3: 1}]
)
def test_keys_of_nothing_known(state):
    assert fitting(state) == []


def test_an_unread_parameter_has_no_name_of_ours():
    layout = OFFICIAL["official/ac-vit"].layout
    assert layout.renamed("TE.layers.11.ln.weight") == ""
    assert layout.renamed("TE.layers.11.R1.fn.ln.weight") == "blocks.11.attn_norm.weight"
    assert layout.renamed("TE.layers.11.R1.fn.projection.bias") == "blocks.11.attn.proj.bias"
    assert layout.renamed("TE.layers.x.R1.fn.projection.bias") is None
    assert layout.renamed("E_cls_token") is None


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("arch", STATES)
def test_an_architecture_that_contradicts_the_keys_is_refused(tmp_path, name, arch):
    if arch in FITTING[name]:
        return
    said = refusal(official_file(tmp_path / "a.pth.tar", STATES[name]), arch)
    fits = " or ".join(FITTING[name])
    assert said.endswith(f"`arch` must be {fits}, whose keys it has; got {arch}")


@pytest.mark.parametrize("name", STATES)
def test_without_an_architecture_the_keys_are_named(tmp_path, name):
    fits = " or ".join(FITTING[name])
    said = refusal(official_file(tmp_path / "a.pth.tar", STATES[name]))
    assert f"Its keys are those of {fits}: say which with `arch`." in said


def test_of_the_prefix_of_parallel_training_all_keys_have_it_or_none():
    assert state_of({"state_dict": {"module.a": 1, "module.b": 2}}) == {"a": 1, "b": 2}
    assert state_of({"state_dict": {"module.a": 1, "a": 2}}) == {"module.a": 1, "a": 2}
    assert state_of({"state_dict": 3}) is None
    assert state_of([1]) is None
