"""Shuffled, numbered and named classes: the right accuracy or a refusal, never a wrong number."""

import random
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from acn_eval.checkpoints import counted, export, from_module, load
from acn_eval.corruptions import Gaussian
from acn_eval.data import Geometry, PrepareImages
from acn_eval.errors import DataError
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.studies.dynamics.plan import DynamicsPlan
from acn_eval.studies.low_data.plan import LowDataPlan
from acn_eval.studies.read import read_suite
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.training import train
from tests.studies.dynamics.plans import suite as watched
from tests.studies.low_data.plans import side
from tests.studies.low_data.plans import suite as few
from tests.tiny import CPU, recipe

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
            prepare=PrepareImages(Geometry(8, 1), (0.0,), (1.0,)),
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
    selection = DataSelection(data, classes=case.chosen, class_order=case.said)
    try:
        (result,) = evaluate([case.checkpoint()], CLEAN, selection)
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
        shown = map(int, case.chosen) if case.chosen else range(len(case.names))
        if kind == "bare npz" and case.declared and any(case.order[c] != c for c in shown):
            assert "must name its classes" in value, case
        elif known or (agree and value == 1.0):
            assert value == 1.0, case
        else:
            assert "class_order" in value, case
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
        prepare = PrepareImages(Geometry(8, 1), (0.0,), (1.0,))
        network = from_module(levels, name="gtsrb", classes=names, prepare=prepare)
        (result,) = evaluate([network], CLEAN, DataSelection(data, class_order=said))
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


def lists_of_splits(folder, train="abc", validation="abc", test="abc"):
    """A data set whose splits list classes of their own."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for split, names in (("train", train), ("validation", validation), ("test", test)):
        images = rng.integers(0, 256, (12 * len(names), 8, 8), dtype=np.uint8)
        labels = np.arange(len(images)) % len(names)
        np.savez(folder / f"{split}.npz", images=images, labels=labels, classes=list(names))
    return f"npz:{folder}"


STUDIES = {
    "transfer": lambda data, at, ours: evaluate(
        [ours], read_suite("transfer"), DataSelection(data)
    ),
    "compression": lambda data, at, ours: evaluate(
        [ours], read_suite("compression"), DataSelection(data, classes=())
    ),
    "low data": lambda data, at, ours: (
        LowDataPlan(
            few(candidate=side("a", "acn", **of(data)), baseline=side("b", "acn", **of(data)))
        ).test
    ),
    "dynamics": lambda data, at, ours: DynamicsPlan(watched(recipe=of(data))).splits,
    "training": lambda data, at, ours: train(recipe(**of(data)), at / "x.pt", device=CPU),
}


def of(data):
    return {"data": data, "arch": {"classes": 3}}


@pytest.mark.parametrize("study", STUDIES)
def test_a_label_of_another_split_is_another_class(tmp_path, study):
    """It is a position among the classes that its own split lists: b is 0 here and 1 there."""
    plan = recipe(**of(lists_of_splits(tmp_path / "own")), steps=2, warmup=1)
    train(plan, tmp_path / "ours.pt", device=CPU)
    data = lists_of_splits(tmp_path / "other", train="abd", test="bca", validation="abc")
    with pytest.raises(DataError, match=r"must have the classes of .* in the same order; got 3"):
        STUDIES[study](data, tmp_path, str(tmp_path / "ours.pt"))


def test_what_learned_from_labels_alone_counts_its_classes(tmp_path):
    """Its card repeats the positions; as names of folders they would be other classes."""
    (tmp_path / "bare").mkdir()
    images = np.random.default_rng(0).integers(0, 256, (48, 8, 8), dtype=np.uint8)
    for split in ("train", "validation"):
        file = tmp_path / "bare" / f"{split}.npz"
        np.savez(file, images=images, labels=np.arange(48) % 12)
    plan = {"data": f"npz:{tmp_path / 'bare'}", "arch": {"classes": 12}}
    train(recipe(**plan, steps=2, warmup=1), tmp_path / "x.pt", device=CPU)
    export(load(str(tmp_path / "x.pt")), 1, tmp_path / "cut.pt")
    for c in range(12):
        (tmp_path / "set" / str(c)).mkdir(parents=True)
        Image.new("L", (8, 8), 20 * c).save(tmp_path / "set" / str(c) / "0.png")
    selection = DataSelection(f"folder:{tmp_path / 'set'}")
    for name in ("x.pt", "cut.pt"):
        with pytest.raises(DataError, match="`class_order`: position"):
            evaluate([str(tmp_path / name)], CLEAN, selection)
        by_position = DataSelection(selection.data, class_order="position")
        (result,) = evaluate([str(tmp_path / name)], CLEAN, by_position)
        assert result.details["classes_matched_by"] == "position"
