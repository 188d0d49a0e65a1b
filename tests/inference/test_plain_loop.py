"""A plain loop over files, with Pillow, torch and timm alone, counts the same right answers."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from timm.data import create_transform

from acn_eval.checkpoints import from_module
from acn_eval.data import Framing, Geometry, PrepareImages
from acn_eval.data.geometry import border_of
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inputs import content_hash
from acn_eval.studies.robustness.suite import Robustness
from tests.data.shards import tar
from tests.data.tables import parquet, table

SIDE = 32
CLASSES = ("owl", "ape", "bee", "elk", "cow", "dog", "fox")  # in the order of the logits
MEAN, STD = (0.48, 0.46, 0.41), (0.23, 0.22, 0.225)
CLEAN = Robustness.model_validate(
    {"name": "clean", "corruptions": [{"kind": "gaussian", "levels": [0.1]}]}
)


@pytest.fixture(scope="module")
def network():
    """A ViT of random weights that are large enough to answer with several classes."""
    options = {"img_size": SIDE, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2}
    model = timm.create_model("vit_tiny_patch16_224", **options, num_classes=len(CLASSES)).eval()
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn(weights.shape, generator=generator) * 0.2)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images of many sizes and modes; the folders of their classes are in another order."""
    root, rng = tmp_path_factory.mktemp("zoo"), np.random.default_rng(6)
    for i in range(90):
        height, width = rng.integers(20, 90, 2)
        coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((int(width), int(height)), Image.Resampling.BICUBIC)
        mode, suffix = (("RGB", "jpg"), ("L", "png"), ("CMYK", "jpg"), ("RGB", "webp"))[i % 4]
        path = root / "test" / CLASSES[(i + i // 7) % 7] / f"{i}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.convert(mode).save(path)
    return root


def plainly(model, folder, framing):
    """Answers by file, as timm's own evaluation gives them."""
    mode, interpolation = framing.crop_mode, framing.interpolation
    transform = create_transform(
        (3, SIDE, SIDE), crop_pct=framing.crop_pct, crop_mode=mode, interpolation=interpolation,
        mean=MEAN, std=STD, is_training=False,
    )  # fmt: skip
    said = {}
    for file in sorted(folder.rglob("*.*")):
        with Image.open(file) as image, torch.no_grad():
            said[file] = CLASSES[int(model(transform(image.convert("RGB"))[None]).argmax())]
    return said


@pytest.mark.parametrize(
    "framing",
    [
        Framing(0.875, "center", "bicubic"),
        Framing(1.0, "squash", "bilinear"),
        Framing(1.0, "border", "lanczos", border_of(MEAN)),
    ],
    ids=lambda framing: framing.crop_mode,
)
def test_a_folder(network, folder, runtime, framing):
    prepare = PrepareImages(Geometry(SIDE, 3, framing), MEAN, STD)
    checkpoint = from_module(network, name="vit", classes=CLASSES, prepare=prepare)
    selection = DataSelection(data=f"folder:{folder}")
    (result,) = evaluate([checkpoint], CLEAN, selection, runtime=runtime)
    clean = result.cells[0]
    said = plainly(network, folder, framing)
    assert len({*said.values()}) >= 3
    right = sum(answer == file.parent.name for file, answer in said.items())
    assert int(clean.values.sum()) == right
    assert len(clean.ids) == len(said) == 90
    ours = sorted(
        (result.data.classes[label], result.data.classes[predicted])
        for label, predicted in zip(clean.labels, clean.predicted, strict=True)
    )
    assert ours == sorted((file.parent.name, answer) for file, answer in said.items())


def test_the_same_images_in_a_table(network, folder, runtime, tmp_path):
    framing = Framing(0.9, "center", "bicubic")
    prepare = PrepareImages(Geometry(SIDE, 3, framing), MEAN, STD)
    checkpoint = from_module(network, name="vit", classes=CLASSES, prepare=prepare)
    said = plainly(network, folder, framing)
    files = [*said]
    plain = table([np.zeros((1, 1, 3), np.uint8)] * 90, [f.parent.name for f in files], {})
    rows = [{"bytes": Path(f).read_bytes(), "path": None} for f in files]
    path = parquet(tmp_path / "zoo.parquet", plain.set_column(0, "image", [rows]), rows=7)
    (result,) = evaluate(
        [checkpoint], CLEAN, DataSelection(data=f"parquet:{path}"), runtime=runtime
    )
    clean = result.cells[0]
    answers = {i: result.data.classes[p] for i, p in zip(clean.ids, clean.predicted, strict=True)}
    assert answers == dict(enumerate(said.values()))


def test_the_same_images_in_shards(network, folder, runtime, tmp_path):
    framing = Framing(0.9, "center", "bicubic")
    prepare = PrepareImages(Geometry(SIDE, 3, framing), MEAN, STD)
    checkpoint = from_module(network, name="vit", classes=CLASSES, prepare=prepare)
    said = {
        f.relative_to(folder).as_posix(): own
        for f, own in plainly(network, folder, framing).items()
    }
    members = [
        member
        for name in said
        for member in (
            (name, (folder / name).read_bytes()),
            (f"{name.partition('.')[0]}.cls", name.split("/")[-2].encode()),
        )
    ]
    for i in range(3):
        tar(tmp_path / "shards" / f"{i}.tar", members[60 * i : 60 * i + 60])
    (result,) = evaluate(
        [checkpoint], CLEAN, DataSelection(data=f"wds:{tmp_path / 'shards'}"), runtime=runtime
    )
    clean = result.cells[0]
    answers = {i: result.data.classes[p] for i, p in zip(clean.ids, clean.predicted, strict=True)}
    assert answers == {
        content_hash(name.partition(".")[0].encode()): own for name, own in said.items()
    }
