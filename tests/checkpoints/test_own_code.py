"""A network that a file of the user's own builds: what is run, recorded, said and refused."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import torch

from acn_eval.checkpoints import load, load_file
from acn_eval.cli.main import main
from acn_eval.data import Geometry, open_examples
from acn_eval.errors import CheckpointError
from acn_eval.evaluation import evaluate
from acn_eval.run_options import DataSelection
from tests.checkpoints.files import card, raw_pt, refusal

NET = """
    import torch
    from model import Net
    from acn_eval import from_module
    from acn_eval.data import Geometry, PrepareImages

    CLASSES = tuple("0123456789")


    def build(weights=None):
        net = Net()
        if weights:
            net.load_state_dict(torch.load(weights, weights_only=True))
        prepare = PrepareImages(Geometry(8, 1), (0.5,), (0.5,))
        return from_module(net, name="own", classes=CLASSES, prepare=prepare, data="digits")


    def bare():
        return Net()
"""
MODEL = """
    from dataclasses import dataclass

    import torch


    @dataclass
    class Sizes:
        classes: "int" = 10


    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = torch.nn.Linear(64, Sizes().classes)
            self.head.weight.data = {weight} * torch.arange(640.0).reshape(10, 64).sin()
            torch.nn.init.zeros_(self.head.bias)

        def forward(self, images):
            return self.head(images.flatten(1)) * {scale}
"""


def folder_of(place, weight=0.25, scale=1):
    place.mkdir(exist_ok=True)
    (place / "net.py").write_text(dedent(NET))
    (place / "model.py").write_text(dedent(MODEL.format(weight=weight, scale=scale)))
    return place


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(folder_of(tmp_path / "project"))
    return tmp_path / "project"


def test_a_function_of_a_file_builds_a_network(place):
    made = load("module:net.py:build")
    assert (made.id.name, made.id.uri, made.data) == ("own", "module:net.py:build", "digits")
    expected = torch.arange(640.0).reshape(10, 64).sin().sum(dim=1) / 4
    torch.testing.assert_close(made.model(made.prepare.blank(2) + 1)[1], expected)


def test_it_is_called_with_the_path_behind_its_name(place):
    state = {"head.weight": torch.full((10, 64), 0.5), "head.bias": torch.ones(10)}
    torch.save(state, place / "a@b.pt")
    made = load("module:net.py:build@a@b.pt")
    assert torch.equal(made.model(made.prepare.blank(1) + 1), torch.full((1, 10), 33.0))
    assert made.id.sha256 != load("module:net.py:build").id.sha256


def test_its_predictions_are_those_of_its_weights(place):
    (result,) = evaluate(["module:net.py:build"], "robustness", DataSelection(limit=40))
    clean = next(cell for cell in result.cells if cell.condition["corruption"] == "clean")
    examples = open_examples("digits")
    where = np.flatnonzero(np.isin(examples.ids, clean.ids))
    images = examples.read(where, Geometry(8, 1)).numpy().reshape(-1, 64) / 255
    expected = ((images - 0.5) @ np.sin(np.arange(640)).reshape(10, 64).T).argmax(axis=1)
    found = dict(zip(clean.ids.tolist(), clean.predicted.tolist(), strict=True))
    assert [found[i] for i in examples.ids[where].tolist()] == expected.tolist()
    assert len(set(expected.tolist())) > 3


def test_two_folders_have_a_model_each(tmp_path, place):
    other = folder_of(tmp_path / "other", weight=0.5)
    before = dict(sys.modules), list(sys.path)
    one, two = load("module:net.py:build"), load(f"module:{other}/net.py:build")
    assert (dict(sys.modules), sys.path) == before
    weights = [made.model.inner.head.weight for made in (one, two)]
    assert torch.equal(2 * weights[0], weights[1])


def test_equal_weights_that_are_wired_differently_are_two_networks(tmp_path, place):
    one = load("module:net.py:build").id
    two = load(f"module:{folder_of(tmp_path / 'other', scale=2)}/net.py:build").id
    again = load(f"module:{folder_of(tmp_path / 'again')}/net.py:build").id
    assert one.sha256 == two.sha256
    assert one.arch != two.arch
    assert replace(again, uri=one.uri) == one


ELSEWHERE = {
    "a class": ("from lib.net import Net", "Net"),
    "a class that a function imports": ("", "__import__('lib.net').net.Net"),
    "a number": ("from lib import scales\nfrom model import Net as Own", "lambda: 0 or Own()"),
    "a number of a module of a module": ("import lib.more.numbers as n", "n.net.Net"),
}


@pytest.fixture
def lib(tmp_path, monkeypatch):
    """A package that Python finds by its path, as one that is installed to be edited."""
    folder = tmp_path / "src" / "lib"
    (folder / "more").mkdir(parents=True)
    (folder / "more" / "numbers.py").write_text("from .. import net\n")
    (folder / "scales.py").write_text("SCALE = 1\n")
    body = dedent(MODEL).format(weight=1, scale=1)
    (folder / "net.py").write_text(f"from .scales import SCALE\n{body}")
    monkeypatch.syspath_prepend(str(folder.parent))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "lib"]:
        del sys.modules[name]


@pytest.mark.parametrize(("imports", "net"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_code_from_elsewhere_is_part_of_the_network(lib, place, imports, net):
    text = dedent(NET).replace("from model import Net", imports).replace("Net()", f"({net})()")
    (place / "net.py").write_text(text)
    one = load("module:net.py:build").id
    assert load("module:net.py:build").id == one  # though nothing is imported anew
    (lib / "scales.py").write_text("SCALE = 2\n")
    assert load("module:net.py:build").id.arch != one.arch


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("net.py", "must be module:FILE.py:FUNCTION, or module:FILE.py:FUNCTION@WEIGHTS"),
        ("net.py:", "must be module:FILE.py:FUNCTION"),
        ("net:build", "must be module:FILE.py:FUNCTION"),
        ("net.py:a.b", "must be module:FILE.py:FUNCTION"),
        ("gone.py:build", "must name a Python file; there is no gone.py"),
        ("net.py:bild", "must have a function bild; there is none. Did you mean build?"),
        ("net.py:CLASSES", "must have a function CLASSES; there is none."),
        (
            "net.py:bare",
            "bare must return a Checkpoint, as acn_eval.from_module makes it of a net",
        ),
        ("net.py:build@gone.pt", "line 13: must build a network; it raised FileNotFoundError"),
    ],
)
def test_what_is_none_is_refused_in_one_line(place, spec, said):
    message = refusal(f"module:{spec}")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("x = 1\nraise KeyError('head')", "line 2: must build a network; it raised KeyError"),
        ("x = 1\n\nif x\n", "line 3: must build a network; it raised SyntaxError"),
        ("import sys\nsys.exit(0)", "line 2: must build a network; it raised SystemExit: 0"),
        ("class Own(Exception): ...\nraise Own", "line 2: must build a network; it raised Own"),
        ("import nowhere", "line 1: must build a network; it raised ModuleNotFoundError"),
        ("import torch\ntorch.ones(2) @ torch.ones(3)", "line 2: must build a network; it raised"),
        ("x = '\N{ESCAPE}[31m'\nraise ValueError(x)", r"ValueError: \x1b[31m"),
    ],
)
def test_what_the_code_raises_is_one_line_that_names_its_own(place, body, said):
    (place / "net.py").write_text(body)
    message = refusal("module:net.py:build")
    assert "net.py" in message
    assert said in message


def test_the_innermost_line_of_the_users_files_is_named(place):
    (place / "model.py").write_text("\n\nNet = {}['missing']\n")
    assert "model.py, line 3: must build a network; it raised KeyError" in refusal(
        "module:net.py:build"
    )


def test_a_recorded_address_runs_nothing(place):
    (place / "net.py").write_text("open('ran', 'w')")
    with pytest.raises(CheckpointError, match="must be a checkpoint file"):
        load_file("module:net.py:build")
    assert not (place / "ran").exists()


def test_a_card_that_names_code_as_its_twin_runs_nothing(place, capsys):
    (place / "net.py").write_text("open('ran', 'w')")
    fields = {**json.loads(card().model_dump_json()), "pair": "module:net.py:build"}
    raw_pt(place / "a.pt", acn_eval_card=json.dumps(fields))
    with pytest.raises(SystemExit) as caught:
        main(["robustness", "--ckpt", "a.pt", "--no-track"])
    assert caught.value.code == 2
    assert "pair" in capsys.readouterr().err
    assert not (place / "ran").exists()


def test_the_command_line_takes_both_sides(place, capsys):
    command = ["robustness", "--ckpt", "module:net.py:build", "--baseline", "ac_vit.pt"]
    with pytest.raises(SystemExit) as caught:
        main([*command, "--limit", "30", "--no-track", "--quiet"])
    assert caught.value.code in {0, None}
    assert "own" in capsys.readouterr().out


def test_the_example_of_the_documentation_is_a_source(place):
    page = (Path(__file__).parents[2] / "docs/networks.md").read_text()
    (example,) = re.findall(
        r"```python\n(.*?)```", page.partition("## Your own code")[2], re.DOTALL
    )
    (place / "net.py").write_text(example)
    plain = load("module:net.py:build")
    torch.save(plain.model.inner.state_dict(), "mine.pt")
    made = load("module:net.py:build@mine.pt")
    assert (made.id.name, made.classes) == ("mine", ("cat", "dog"))
    assert made.id.sha256 == plain.id.sha256
