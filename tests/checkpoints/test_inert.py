"""What trainers pickle stays inert; programs that would run or swell are refused."""

import argparse
import contextlib
import os
import pickle
import resource
import time

import numpy as np
import pytest
import torch

from acn_eval.checkpoints.inert import Inert
from acn_eval.checkpoints.weight_files import read_pickle
from tests.checkpoints.files import official_file
from tests.checkpoints.programs import archive, int_, program, refused, weight


def saved(path, content):
    torch.save(content, path)
    return path


def allowed():
    return torch.serialization.get_safe_globals()


def test_what_the_authors_training_leaves_is_inert(tmp_path):
    path = official_file(tmp_path / "best.pth.tar")
    left = read_pickle(path)["scheduler"]["after_scheduler"]
    assert type(left) is Inert
    assert vars(left) == {}
    assert not {Inert} & {entry[0] for entry in allowed() if isinstance(entry, tuple)}
    whole = torch.load(path, weights_only=False)  # the file holds what it is said to hold
    assert type(whole["scheduler"]["after_scheduler"].optimizer) is torch.optim.AdamW


def test_what_other_trainers_leave_is_inert(tmp_path):
    left = {"args": argparse.Namespace(lr=0.1), "best": np.float64(3), "raw": b"\x80"}
    content = read_pickle(saved(tmp_path / "a.pth", {"state_dict": {"a": torch.ones(2)}, **left}))
    assert torch.equal(content["state_dict"]["a"], torch.ones(2))
    assert type(content["args"]) is type(content["best"]) is Inert


class Runs:
    """A pickle of this calls something when it is loaded."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hidden(how, target):
    """One call that touches `target`, hidden in what an authors' file may hold."""
    run = Runs(os.system, f"touch {target}")
    return {
        "beside": {"extra": run},
        "in the state": {"state_dict": {"a": run}},
        "argument of a stand-in": {"scheduler": Runs(torch.optim.AdamW, run)},
        "factory": {"optimizer": Runs(argparse.Namespace, Runs(os.mkdir, str(target)))},
        "deep": {"scheduler": [[{"after_scheduler": (run,)}]]},
        "state of a stand-in": {"args": argparse.Namespace(lr=run)},
    }[how]


@pytest.mark.parametrize(
    "how",
    ["beside", "in the state", "argument of a stand-in", "factory", "deep", "state of a stand-in"],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_hidden_calls_do_not_run(tmp_path, how, protocol):
    target = tmp_path / "touched"
    content = {"state_dict": {"a": torch.ones(2)}, **hidden(how, target)}
    torch.save(content, tmp_path / "a.pth.tar", pickle_protocol=protocol)
    assert "refused" in refused(tmp_path / "a.pth.tar") or protocol == 4
    assert not target.exists()
    with contextlib.suppress(TypeError):
        torch.load(tmp_path / "a.pth.tar", weights_only=False)
    assert target.exists()  # this test can fail


def test_a_stand_in_that_somebody_else_allowed_is_not_taken(tmp_path):
    """Other libraries add names to torch's list when they are imported; ours is closed."""
    path = saved(tmp_path / "a.pt", {"a": Runs(os.path.basename, "/a")})
    with torch.serialization.safe_globals([(os.path.basename, "posixpath.basename")]):
        assert torch.load(path, weights_only=True) == {"a": "a"}
        assert "posixpath.basename" in refused(path)


def called(name, *arguments):
    return b"c" + name.encode() + b"\n(" + b"".join(arguments) + b"tR"


def tuples(depth):
    """A key that takes 2 ** depth steps to hash."""
    return b")" + b"q\0h\0\x86" * depth


BOMBS = {
    "bytes": program(called("__builtin__\nbytearray", int_(10**10))),
    "tensor by size": program(called("torch\nFloatTensor", int_(10**10))),
    "stride 0": program(weight((10**5, 10**5), (0, 0))),
    "many elements": program(weight((10**10,), (1,), numel=10**10)),
    "past the end": program(weight((4,), (1,), offset=1)),
    "negative": program(weight((4,), (-1,))),
    "views": program(*[weight((4,), (1,))] * 9),
    "a key of tuples": b"\x80\x02}" + tuples(60) + b"Ns.",
    "pairs of an ordered dict": program(
        called("collections\nOrderedDict", b"](]" + tuples(60) + b"aNae")
    ),
    "a tensor, then set": program(
        weight((4,), (1,)) + b"(" + weight((4,), (1,)) + b"K\0K\x01\x85K\0\x85tb"
    ),
    "codec": program(called("_codecs\nencode", b"X\x01\0\0\0a", b"X\x08\0\0\0punycode")),
    "meta": program(
        called("torch._utils\n_rebuild_meta_tensor_no_storage", b"NNNN")
    ),
    "no end": b"\x80\x02" + b"(" * 1000,
    "too deep": b"\x80\x02" + b"(" * 1_900_000 + b"t" * 1_900_000 + b".",
    "too many": b"\x80\x02" + b"]" * 100_000 + b".",
    "other protocol": pickle.dumps({"a": 1}, protocol=5),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_would_swell_is_refused_before_it_does(tmp_path, bomb):
    start = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(archive(tmp_path / "a.pt", BOMBS[bomb]))
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_the_programs_above_are_ones_that_torch_takes(tmp_path):
    """So that the refusals above are about what they say."""
    path = archive(tmp_path / "a.pt", program(weight((2, 2), (2, 1)), weight((4,), (1,))))
    found = read_pickle(path)
    assert torch.equal(found["0"], torch.zeros(2, 2))
    stretched = archive(tmp_path / "b.pt", BOMBS["stride 0"])
    assert torch.load(stretched, weights_only=True)["0"].numel() == 10**10
