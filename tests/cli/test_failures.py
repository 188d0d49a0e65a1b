"""What a user can do wrong is one line on stderr and a documented exit code; never 1."""

import os
import pickle

import numpy as np
import pytest
import torch

from acn_eval.checkpoints import Native, write_native
from acn_eval.checkpoints.native import read_native
from tests.checkpoints.files import official_file, vit_state
from tests.tiny import SUITE

JOB = ("robustness", "--no-track", "--device", "cpu")


GOOD = (*JOB, "--ckpt", "tiny_ac.pt", "--suite", "small.yaml", "--limit", "8")


class Malicious:
    def __reduce__(self):
        return os.system, ("touch owned",)


def test_a_malicious_pickle_is_refused_and_not_run(folder, refused):
    torch.save({"state": Malicious()}, folder / "evil.pt")
    (folder / "plain.pt").write_bytes(pickle.dumps(Malicious()))
    assert "run code when loaded, so it is refused" in refused(2, *JOB, "--ckpt", "evil.pt")
    assert "it is no archive of torch" in refused(2, *JOB, "--ckpt", "plain.pt")
    refused(2, *JOB, "--ckpt", "evil.pt", "--arch", "official/ac-mixer")
    assert not (folder / "owned").exists()


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_truncated_file(folder, refused, share):
    whole = (folder / "tiny_ac.pt").read_bytes()
    (folder / "cut.pt").write_bytes(whole[: int(len(whole) * share)])
    assert "cut.pt: must be a" in refused(2, *JOB, "--ckpt", "cut.pt")


def test_a_file_that_is_something_else(folder, refused):
    (folder / "text.pt").write_text("hello")
    (folder / "other.pt").mkdir()
    torch.save({"weights": torch.zeros(3)}, folder / "foreign.pt")
    assert "must be a" in refused(2, *JOB, "--ckpt", "text.pt")
    assert "it is a folder" in refused(2, *JOB, "--ckpt", "other.pt")
    assert "must hold a card of acn-eval" in refused(2, *JOB, "--ckpt", "foreign.pt")


def test_a_wrong_architecture(folder, refused):
    native = read_native(folder / "tiny_ac.pt")
    arch = native.card.arch.model_copy(update={"width": 24})
    card = native.card.model_copy(update={"arch": arch})
    write_native(folder / "wrong.pt", Native(card, native.state, native.training_hashes))
    assert "weights must fit the architecture vit" in refused(2, *JOB, "--ckpt", "wrong.pt")
    assert "--arch must be one of official/ac-mixer" in refused(
        2, *JOB, "--ckpt", "tiny_ac.pt", "--arch", "vit"
    )
    assert "state_dict" in refused(2, *JOB, "--ckpt", "tiny_ac.pt", "--arch", "official/ac-mixer")


def test_an_architecture_that_contradicts_the_file(folder, refused):
    official_file(folder / "vit.pth.tar", vit_state("official/vit"))
    job = (*JOB, "--ckpt", "vit.pth.tar")
    assert "those of official/vit: say which with --arch" in refused(2, *job)
    assert "--arch must be official/vit, whose keys it has; got official/ac-vit" in refused(
        2, *job, "--arch", "official/ac-vit"
    )
    assert "5 heads do not divide its width 24. State them behind --arch, as in" in refused(
        2, *job, "--arch", "official/vit:heads=5"
    )


def test_weights_that_are_not_finite(folder, refused):
    native = read_native(folder / "tiny_ac.pt")
    state = {**native.state, "head.bias": torch.full((10,), torch.nan)}
    write_native(folder / "nan.pt", Native(native.card, state, native.training_hashes))
    assert "weights must be finite; head.bias" in refused(2, *JOB, "--ckpt", "nan.pt")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("robustness", "--ckpt", ""), "--ckpt: must name a checkpoint; got ''"),
        (("robustness", "--ckpt", " ,"), "--ckpt: must name a checkpoint; got ' ,'"),
        (
            ("robustness", "--ckpt", "tiny_ac.pt", "--baseline", ""),
            "--baseline: must name a checkpoint; got ''",
        ),
        (
            ("compression", "--ckpt", "", "--export", "cut.pt"),
            "--ckpt: must name a checkpoint; got ''",
        ),
        (("dynamics", "--ckpt", ""), "--ckpt: must name a checkpoint; got ''"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_checkpoint_without_a_name(folder, refused, arguments, said):
    """As a variable of the shell that is not set: never an evaluation without a baseline."""
    assert refused(2, *arguments, "--no-track") == f"acn-eval: {said}\n"


def test_no_such_checkpoint(folder, refused):
    assert "tiny_ax.pt: must be a checkpoint file" in refused(2, *JOB, "--ckpt", "tiny_ax.pt")
    assert "none does" in refused(2, *JOB, "--ckpt", "nosuch_*.pt")
    (folder / "tiny_res.pt").unlink()
    assert "tiny_res.pt: must be a checkpoint file" in refused(2, *GOOD)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SUITE.replace("gaussian", "snow"), "kind must be one of"),
        (SUITE.replace("repeats", "repeat"), "Did you mean repeats?"),
        (SUITE.replace("levels", "level"), "Did you mean levels?"),
        ("kind: [", "must be YAML"),
        ("name: mine", "the file: must state kind; got"),
        ("- 1", "the file: must be a mapping of names to values; got"),
    ],
    ids=[
        "unknown corruption",
        "misspelt field",
        "misspelt field of a corruption",
        "no YAML",
        "no kind",
        "a list",
    ],
)
def test_a_suite_that_is_wrong(folder, refused, text, expected):
    (folder / "wrong.yaml").write_text(text)
    message = refused(2, *JOB, "--ckpt", "tiny_ac.pt", "--suite", "wrong.yaml")
    assert message.startswith("acn-eval: wrong.yaml: ")
    assert expected in message


def test_no_such_suite(folder, refused):
    assert "shipped suite" in refused(2, *JOB, "--ckpt", "tiny_ac.pt", "--suite", "nosuch")


def test_labels_outside_the_model_s_classes(folder, refused):
    images = np.zeros((12, 8, 8), np.uint8)
    np.savez(folder / "own.npz", images=images, labels=np.arange(12))
    assert "got 10, 11" in refused(2, *GOOD, "--data", "npz:own.npz")


def test_a_directory_without_images(folder, refused):
    (folder / "empty").mkdir()
    (folder / "pictures" / "test" / "cat").mkdir(parents=True)
    (folder / "pictures" / "test" / "cat" / "notes.txt").write_text("no picture")
    for name in ("empty", "pictures"):
        assert "must hold images" in refused(2, *GOOD, "--data", f"folder:{name}")
    assert "must be a folder" in refused(2, *GOOD, "--data", "folder:nosuch")


def test_positions_of_classes_that_have_other_numbers_are_refused(folder, refused):
    """Of the classes 1, 2, 3 the positions 1-2 are 2 and 3."""
    for names in ("123", ("01", "02", "03"), ("0", "1", "10", "2")):
        images = np.zeros((len(names), 8, 8), np.uint8)
        np.savez("set.npz", images=images, labels=np.arange(len(names)), classes=list(names))
        said = refused(2, *GOOD, "--data", "npz:set.npz", "--classes", "1-2")
        assert f"got 1-2, the positions of {names[1]}, {names[2]}" in said


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--data", "minst"), "data must be digits"),
        (("--device", "gpu"), "--device: must be auto or one that is here"),
        (("--classes", "0-4"), "--classes: needs --data"),
        (("--classes", "12", "--data", "digits"), "positions 0-9; got 12"),
        (("--classes", "0-40", "--data", "digits"), "positions 0-9; got 0-40"),
        (("--classes", "4-0", "--data", "digits"), "positions 0-9; got 4-0"),
        (("--classes", "ten", "--data", "digits"), "got ten"),
        (("--classes", "\u00b2", "--data", "digits"), "got \u00b2"),
        (("--classes", "9" * 5000, "--data", "digits"), "got 99999"),
        (("--no-baseline", "--baseline", "tiny_res.pt"), "--no-baseline: must be left out"),
        (("--class-order", "name"), "--class-order: must be about a network that does not name"),
        (("--class-map", "broken.yaml"), "broken.yaml: must be YAML"),
        (("--class-map", "list.yaml"), "the file: must be a mapping of names to values"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_options_that_make_no_sense(folder, refused, options, expected):
    (folder / "broken.yaml").write_text("{")
    (folder / "list.yaml").write_text("- a\n")
    assert expected in refused(2, *GOOD, *options)


@pytest.mark.parametrize(
    "arguments",
    [
        (*GOOD, "--crop-pct", "nan"),
        (*GOOD, "--limit", "1"),
        (*GOOD, "--seed", str(2**63)),
        (*GOOD, "--seed", "one"),
        ("compression", "--ckpt", "tiny_ac.pt", "--tolerance", "nan"),
        ("plan", "--n", "100", "--discordance", "nan"),
        ("train", "small.yaml", "--save-every", "nan"),
        ("pruning", "--ckpt", "tiny_ac.pt", "--sparsity", "nan"),
        ("ui", "--port", "99999"),
        ("ui", "--port", "-1"),
    ],
    ids=" ".join,
)
def test_numbers_that_are_none_or_out_of_range(folder, call, arguments):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert f"Error: Invalid value for '{arguments[-2]}'" in err


def test_a_seed_given_twice(folder, refused):
    files = "tiny_ac.pt,tiny_ac.pt"
    assert "one of them twice" in refused(2, *GOOD, "--ckpt", files, "--baseline", "tiny_res.pt")


def test_a_cache_that_cannot_be_written(folder, refused, monkeypatch):
    monkeypatch.setenv("ACN_EVAL_CACHE", str(folder / "small.yaml" / "cache"))
    assert "Point ACN_EVAL_CACHE at another place" in refused(2, *GOOD)


def test_a_traceback_shows_no_password_and_no_control_character(folder, call, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("http://me:secret@host/?password=secret \x1b[31m\n::error::x")

    monkeypatch.setattr("acn_eval.evaluation.ask", broken)
    _, _, err = call(*GOOD)
    assert "ZeroDivisionError: http://host/?password=***" in err
    assert "secret" not in "".join(li for li in err.splitlines() if "raise " not in li)
    assert "\x1b" not in err
    assert not any(line.startswith("::") for line in err.splitlines())


def test_a_name_that_is_too_long(folder, refused):
    for options in (("--ckpt", "a" * 5000), ("--ckpt", "tiny_ac.pt", "--suite", "a" * 5000)):
        assert len(refused(2, *JOB, *options)) < 2100


def test_an_interrupt_is_130_and_one_line(folder, call, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("acn_eval.evaluation.ask", interrupted)
    code, out, err = call(*GOOD)
    assert (code, out) == (130, "")
    assert err.strip() == (
        "acn-eval: stopped: only finished work is saved. The same command resumes from there."
    )
