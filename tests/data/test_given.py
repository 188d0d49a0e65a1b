"""Ready-made corrupted images are those that a plain loop over the files reads."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from acn_eval.checkpoints import from_module
from acn_eval.corruptions import Given
from acn_eval.data import Framing, Geometry, PrepareImages, open_examples
from acn_eval.data.given import GivenImages
from acn_eval.errors import DataError
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inputs import Place
from acn_eval.studies.robustness.suite import Robustness

SIDE = 21
CLASSES = ("n03", "n01", "n02")  # of the network, which counts them in another order
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)


def network(framing=None):
    generator = torch.Generator().manual_seed(3)
    module = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, len(CLASSES)))
    with torch.no_grad():
        for weights in module.parameters():
            weights.normal_(generator=generator)
    prepare = PrepareImages(Geometry(SIDE, 3, framing), MEAN, STD)
    return from_module(module, name="plain", classes=CLASSES, prepare=prepare)


def suite(*names, **more):
    given = [Given(name=name, folder="C", **more) for name in names]
    return Robustness(name="given", corruptions=given)


def answers(result, **condition):
    """Predicted class name by id."""
    found = [c for c in result.cells if condition.items() <= dict(c.condition).items()]
    (cell,) = found
    names = [result.data.classes[p] for p in cell.predicted]
    return dict(zip(cell.ids.tolist(), names, strict=True))


def plainly(module, image):
    """What a network says of an image, without any code of acn-eval."""
    pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1).float() / 255
    ready = (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    with torch.no_grad():
        return CLASSES[int(module(ready[None]).argmax())]


@pytest.fixture
def imagenet_c(tmp_path):
    """A validation set and two corruptions of it, cropped, as files of JPEG."""
    rng = np.random.default_rng(0)
    for i in range(30):
        name = f"n0{1 + (i + i // 5) % 3}/ILSVRC2012_val_{i:08}.JPEG"
        places = [tmp_path / "imagenet" / "val" / name]
        places += [
            tmp_path / "C" / c / str(k) / name for c in ("fog", "snow") for k in range(1, 6)
        ]
        for path in places:
            size = (SIDE, SIDE, 3) if "C" in path.parts else (31 + i, 40 - i, 3)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(path, quality=95)
    return tmp_path


@pytest.fixture
def cifar10_c(tmp_path):
    """A test set of arrays and two corruptions of it."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 23)
    images = rng.integers(0, 256, (23, SIDE, SIDE, 3), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images, labels=labels, classes=["n02", "n03", "n01"])
    (tmp_path / "C").mkdir()
    np.save(tmp_path / "C" / "labels.npy", np.tile(labels, 5))
    for name in ("fog", "snow"):
        given = rng.integers(0, 256, (5 * 23, SIDE, SIDE, 3), dtype=np.uint8)
        np.save(tmp_path / "C" / f"{name}.npy", given)
    return tmp_path


def measured(folder, data, asked, runtime, checkpoint=None, **more):
    selection = DataSelection(data=data, root=folder, **more)
    (result,) = evaluate([checkpoint or network()], asked, selection, runtime=runtime)
    return result


@pytest.mark.parametrize("framing", [None, Framing(0.875, "center", "bicubic")])
def test_folders_as_of_imagenet_c(imagenet_c, runtime, framing):
    checkpoint = network(framing)
    asked = suite("fog", "snow", framed=True)
    result = measured(imagenet_c, "folder:imagenet", asked, runtime, checkpoint)
    examples = open_examples("folder:imagenet", "test", imagenet_c)
    names = dict(zip(examples.ids.tolist(), examples.inputs.names, strict=True))
    for corruption in ("fog", "snow"):
        for level in range(1, 6):
            found = answers(result, corruption=corruption, level=level)
            assert len(found) == 30
            for id, name in names.items():
                with Image.open(imagenet_c / "C" / corruption / str(level) / name) as image:
                    assert found[id] == plainly(checkpoint.model, image), name
    assert not result.skipped


def test_arrays_as_of_cifar10_c(cifar10_c, runtime):
    checkpoint = network()
    result = measured(cifar10_c, "npz:set.npz", suite("fog", "snow"), runtime, checkpoint)
    right = {}
    for corruption in ("fog", "snow"):
        images = np.load(cifar10_c / "C" / f"{corruption}.npy")
        for level in range(1, 6):
            said = [
                plainly(checkpoint.model, Image.fromarray(image))
                for image in images[(level - 1) * 23 : level * 23]
            ]
            assert answers(result, corruption=corruption, level=level) == dict(enumerate(said))
            labels = [("n02", "n03", "n01")[i] for i in np.load(cifar10_c / "C/labels.npy")[:23]]
            right[corruption, level] = np.mean([a == b for a, b in zip(said, labels, strict=True)])
    means = {
        (c.condition["corruption"], c.condition["level"]): c.values.mean() for c in result.cells
    }
    assert {key: means[key] for key in right} == pytest.approx(right)


def test_some_classes_of_an_array(cifar10_c, runtime):
    whole = measured(cifar10_c, "npz:set.npz", suite("fog"), runtime)
    some = measured(cifar10_c, "npz:set.npz", suite("fog"), runtime, classes=("n01", "n02"))
    every, few = (answers(r, corruption="fog", level=4) for r in (whole, some))
    both = [id for id in few if every[id] in {"n01", "n02"}]
    assert 0 < len(both) < 23
    assert all(few[id] == every[id] for id in both)


def test_images_that_are_not_cropped_are_shown_as_the_clean_ones_are(imagenet_c):
    examples = open_examples("folder:imagenet", "test", imagenet_c)
    spec = Geometry(9, 3, Framing(0.5, "center", "bilinear"))
    given, ids = GivenImages(examples, spec, imagenet_c), torch.from_numpy(examples.ids[:2])
    files = [imagenet_c / "C" / "fog" / "3" / name for name in examples.inputs.names[:2]]
    for framed, shown in ((True, replace(spec, framing=Framing(1.0, "squash"))), (False, spec)):
        read = given.read(Place("C", "fog", 3, framed), ids)
        for file, pixels in zip(files, read, strict=True):
            with Image.open(file) as image:
                assert torch.equal(pixels, shown(np.array(image)) / 255)


def test_what_is_missing_is_skipped_with_its_reason(imagenet_c, runtime):
    gone = imagenet_c / "C" / "snow" / "4" / "n02" / "ILSVRC2012_val_00000001.JPEG"
    gone.unlink()
    result = measured(imagenet_c, "folder:imagenet", suite("fog", "snow", "frost"), runtime)
    assert len(result.cells) == 1 + 5
    reasons = {s.condition["corruption"]: s.reason for s in result.skipped}
    assert len(result.skipped) == 10
    assert reasons == {
        "snow": "snow: C/snow/4 must hold all 30 images; 1 are not, "
        "as n02/ILSVRC2012_val_00000001.JPEG",
        "frost": "frost: C must hold frost.npy or frost/1",
    }


def test_without_any_of_them_nothing_is_measured(imagenet_c, runtime):
    (imagenet_c / "C").rename(imagenet_c / "D")
    with pytest.raises(DataError, match=r"C: must be a folder of .*; there is none"):
        measured(imagenet_c, "folder:imagenet", suite("fog"), runtime)


def test_arrays_without_labels_are_skipped(cifar10_c, runtime):
    (cifar10_c / "C" / "labels.npy").unlink()
    result = measured(cifar10_c, "npz:set.npz", suite("fog"), runtime)
    assert {s.reason for s in result.skipped} == {
        "fog: C must hold labels.npy, which says whose images they are"
    }


def test_images_of_another_order_are_refused(cifar10_c, runtime):
    labels = np.load(cifar10_c / "C" / "labels.npy")
    for wrong in (np.roll(labels, 1), labels[:-1], labels / 2):
        np.save(cifar10_c / "C" / "labels.npy", wrong)
        with pytest.raises(
            DataError, match=r"labels\.npy: must (have the labels|be 115 integers)"
        ):
            measured(cifar10_c, "npz:set.npz", suite("fog"), runtime)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((115, 8, 8, 3)), "must be uint8"),
        (np.zeros((115, 8, 8), np.uint8), "must be uint8"),
        (np.zeros((114, 8, 8, 3), np.uint8), "images of 5 severities; got 114"),
        (np.zeros((110, 8, 8, 3), np.uint8), "must be 110 integers"),
        (np.array([object()]), "it is damaged"),
        (None, "it is damaged"),
    ],
)
def test_strange_arrays(cifar10_c, runtime, array, said):
    path = cifar10_c / "C" / "fog.npy"
    if array is None:
        path.write_bytes(path.read_bytes()[:-1])
    else:
        np.save(path, array)
    with pytest.raises(DataError, match=said):
        measured(cifar10_c, "npz:set.npz", suite("fog"), runtime)


def test_arrays_are_mapped_and_not_read(cifar10_c):
    """CIFAR-10-C has 150 MB in every file, and 15 of them."""
    given = GivenImages(open_examples("npz:set.npz", "test", cifar10_c), Geometry(8, 3), cifar10_c)
    assert given.why_not(Place("C", "fog", 5, framed=False)) == ""
    assert all(isinstance(array, np.memmap) for array in given._arrays.values())


def test_images_that_were_replaced_are_measured_again(cifar10_c, runtime):
    before = measured(cifar10_c, "npz:set.npz", suite("fog"), runtime)
    path = cifar10_c / "C" / "fog.npy"
    np.save(path, 255 - np.load(path))
    os.utime(path, (1, 1))
    after = measured(cifar10_c, "npz:set.npz", suite("fog"), runtime)
    assert answers(before, corruption="clean") == answers(after, corruption="clean")
    assert answers(before, level=2) != answers(after, level=2)
    assert before.noise_digest != after.noise_digest
    assert before.key == after.key


def test_only_a_test_set_has_corrupted_images(cifar10_c):
    train = replace(open_examples("npz:set.npz", "test", cifar10_c), split="train")
    given = GivenImages(train, Geometry(8, 3), cifar10_c)
    assert "C has images of test" in given.why_not(Place("C", "fog", 1, framed=False))
