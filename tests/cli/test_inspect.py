"""`acn-eval inspect` prints facts, lacks and the next command."""

import torch

from tests.checkpoints.files import written


def test_a_checkpoint_is_described_and_its_command_printed(folder, call):
    code, out, err = call("inspect", "tiny_ac.pt")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["tiny_ac.pt"]
    assert ["data", "digits"] in lines
    assert ["twin", "tiny_res.pt"] in lines
    assert lines[-1] == ["Measure", "it:", *["acn-eval", "robustness", "--ckpt", "tiny_ac.pt"]]


def test_names_are_quoted_for_the_shell(folder, call):
    written(folder / "two words.pt")
    assert "--ckpt 'two words.pt'" in call("inspect", "two words.pt")[1]


def test_a_pickle_is_refused_without_an_error(folder, call):
    torch.save(torch.nn.Linear(2, 2), "whole.pt")
    code, out, _ = call("inspect", "whole.pt")
    assert code == 0
    assert "refused" in out
    assert "Measure it" not in out


def test_what_is_not_there_is_an_error(folder, refused):
    assert "there is none" in refused(2, "inspect", "gone.pt")
