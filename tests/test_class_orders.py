"""Shuffled, numbered and named classes: the right accuracy or a refusal, never a wrong number."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from acn_eval.checkpoints import Prepare, counted, from_module
from acn_eval.corruptions import Gaussian
from acn_eval.data import Geometry
from acn_eval.errors import DataError
from acn_eval.evaluation import Choice, evaluate
from acn_eval.suites import Robustness

CLEAN = Robustness(name="clean", corruptions=(Gaussian(levels=(0.001,)),))
WORDS = tuple(
    ["kiwi", "fig", "plum", "lime", "pear", "nut", "date", "rose", "ash", "elm", "oak", "fir"]
)
NAMES = {
    "words": lambda k: WORDS[:k],
    "numbers": counted,
    "padded": lambda k: tuple(f"{i:03}" for i in range(k)),
    "from one": lambda k: tuple(str(i + 1) for i in range(k)),
}


class Oracle(torch.nn.Module):
    """Knows the class of a picture by its grey level; its logits are in an order of its own."""

    def __init__(self, order):
        super().__init__()
        self.order = torch.nn.Parameter(torch.tensor(order, dtype=torch.float32))

    def forward(self, images):
        level = images.mean((1, 2, 3)) * 255 / 20
        return -((level[:, None] - self.order[None]) ** 2)


@dataclass(frozen=True)
class Case:
    """What the truth is, and what is said of it."""

    names: tuple[str, ...]  # of the classes 0, 1, ... that the pictures show
    listed: tuple[int, ...]  # classes in the order of the data
    order: tuple[int, ...]  # classes in the order of the logits
    declared: bool
    said: str | None
    chosen: tuple[str, ...]

    def checkpoint(self):
        names = tuple(self.names[c] for c in self.order)
        return from_module(
            Oracle(self.order),
            name="oracle",
            classes=names if self.declared else counted(len(names)),
            prepare=Prepare(Geometry(8, 1), (0.0,), (1.0,)),
        )


def pictures(case, folder, kind):
    """Two pictures of every class, as a folder or an npz that names its classes or not."""
    if kind == "folder":
        for c in case.listed:
            (folder / "set" / case.names[c]).mkdir(parents=True)
            for i in range(2):
                grey = Image.new("L", (8, 8), 20 * c)
                grey.save(folder / "set" / case.names[c] / f"{i}.png")
        return f"folder:{folder / 'set'}"
    labels = np.repeat(np.arange(len(case.listed)), 2)
    levels = 20 * np.array(case.listed, np.uint8)[labels]
    images = np.broadcast_to(levels[:, None, None], (len(labels), 8, 8))
    named = {"classes": np.array([case.names[c] for c in case.listed])} if kind == "npz" else {}
    np.savez(folder / "set.npz", images=images, labels=labels, **named)
    return f"npz:{folder / 'set.npz'}"


def drawn(seed, kind):
    """A case in which whatever is said is true."""
    chance = random.Random(seed)
    k = chance.choice((2, 5, 10, 11, 12))
    style = "numbers" if kind == "bare npz" else chance.choice(tuple(NAMES))
    names = NAMES[style](k)
    listed = list(range(k))
    if kind == "folder":
        listed.sort(key=lambda c: names[c])
    elif kind == "npz":
        chance.shuffle(listed)
    declared = chance.random() < 0.5
    shuffled = chance.sample(range(k), k)
    if declared:
        order, said = chance.choice((shuffled, listed, range(k))), None
    else:
        order, said = chance.choice(
            ((listed, None), (listed, "position"), (range(k), None), (range(k), "name"))
        )
        if said == "name" and style not in {"numbers", "padded"}:
            said = None
    some = chance.sample(names, chance.randint(1, k)) if chance.random() < 0.3 else ()
    return Case(names, tuple(listed), tuple(order), declared, said, tuple(some))


def accuracy(case, data):
    choice = Choice(data, classes=case.chosen, class_order=case.said)
    try:
        (result,) = evaluate([case.checkpoint()], CLEAN, choice)
    except DataError as refused:
        return str(refused)
    return float(result.cells[0].values.mean())


@pytest.mark.parametrize("kind", ["folder", "npz", "bare npz"])
def test_the_right_accuracy_or_a_refusal(tmp_path, kind):
    """A source that counts its classes otherwise than everybody does cannot be known."""
    found = []
    for seed in range(40):
        case = drawn(seed, kind)
        (tmp_path / str(seed)).mkdir()
        value = accuracy(case, pictures(case, tmp_path / str(seed), kind))
        known = case.checkpoint().named or case.said
        agree = case.listed == tuple(range(len(case.names)))
        found.append(value)
        if known or (agree and value == 1.0):
            assert value == 1.0, case
        else:
            assert "--class-order" in value, case
    assert found.count(1.0) >= 15


def test_numbered_folders_as_torchvision_counts_them(tmp_path):
    """43 classes, as GTSRB has: sorted as text they are 0, 1, 10, 11, ..."""
    names = counted(43)
    listed = tuple(sorted(range(43), key=str))
    levels = Oracle(range(43))
    case = Case(names, listed, listed, declared=False, said=None, chosen=())
    for c in listed:
        (tmp_path / "set" / names[c]).mkdir(parents=True)
        Image.new("L", (8, 8), 5 * c).save(tmp_path / "set" / names[c] / "0.png")
    data = f"folder:{tmp_path / 'set'}"

    def asked(order, said):
        with torch.no_grad():
            levels.order.copy_(torch.tensor([c / 4 for c in order]))
        prepare = Prepare(Geometry(8, 1), (0.0,), (1.0,))
        network = from_module(levels, name="gtsrb", classes=names, prepare=prepare)
        (result,) = evaluate([network], CLEAN, Choice(data, class_order=said))
        return result

    for order in (range(43), listed):
        with pytest.raises(DataError, match="the data has 43: 0, 1, 10, 11, 12,"):
            asked(order, None)
    assert case.listed != tuple(range(43))
    for order, said, matched in ((listed, "position", "position"), (range(43), "name", "number")):
        result = asked(order, said)
        assert result.cells[0].values.all()
        assert result.details["classes_matched_by"] == matched
        assert result.checkpoint.preprocessing["class_order"] == said
        assert any(f"matched by {matched}: logit 0 is 0" in line for line in result.warnings)
    assert asked(listed, "position").key != asked(range(43), "name").key
