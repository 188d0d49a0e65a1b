"""preprocessor_config.json against transformers' own processors, pixel for pixel."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from acn_eval.checkpoints.processors import preparation
from acn_eval.errors import CheckpointError

FILE = Path("preprocessor_config.json")
SIZES = [*itertools.product((31, 97, 150), (33, 64, 201)), (300, 22), (9, 333)]
SQUARE = {"height": 33, "width": 33}
PROCESSORS = {
    "ViT": ("ViT", {"size": SQUARE}),
    "ViT, bicubic, ImageNet's moments": (
        "ViT",
        {
            "size": SQUARE,
            "resample": 3,
            "image_mean": [0.4, 0.5, 0.6],
            "image_std": [0.1, 0.2, 0.3],
        },
    ),
    "ViT, plain": ("ViT", {"size": SQUARE, "do_normalize": False, "resample": 0}),
    "ViT, cropped": ("ViT", {"size": SQUARE, "do_center_crop": True, "crop_size": 30}),
    "ViT, short side": (
        "ViT",
        {"size": {"shortest_edge": 36}, "do_center_crop": True, "crop_size": 33},
    ),
    "DeiT": ("DeiT", {}),
    "DeiT, odd margin": ("DeiT", {"size": {"height": 40, "width": 40}, "crop_size": 33}),
    "ConvNext": ("ConvNext", {"size": {"shortest_edge": 33}}),
    "ConvNext, another share": ("ConvNext", {"size": {"shortest_edge": 50}, "crop_pct": 0.7}),
    "ConvNext, large": ("ConvNext", {}),
}


def pictures():
    generator = np.random.default_rng(0)
    for height, width in SIZES:
        yield generator.integers(0, 256, (height, width, 3), np.uint8)


def shown(prepare, picture):
    """What the network reads."""
    pixels = prepare.spec(picture)[None]
    return prepare(prepare.spec.upload(pixels, torch.device("cpu")))[0]


@pytest.mark.parametrize("form", ["as saved", "fast", "feature extractor"])
@pytest.mark.parametrize(("kind", "fields"), PROCESSORS.values(), ids=PROCESSORS)
def test_every_pixel_is_that_of_the_processor(kind, fields, form, tmp_path):
    processor = getattr(transformers, f"{kind}ImageProcessorPil")(**fields)
    processor.save_pretrained(tmp_path)
    settings = json.loads((tmp_path / FILE).read_text())
    if form == "fast":
        settings["image_processor_type"] += "Fast"
    elif form == "feature extractor":
        del settings["image_processor_type"]
        settings["feature_extractor_type"] = f"{kind}FeatureExtractor"
    prepare = preparation(settings, FILE)
    for picture in pictures():
        theirs = processor(Image.fromarray(picture), return_tensors="pt")["pixel_values"][0]
        assert torch.allclose(shown(prepare, picture), theirs, atol=1e-6), picture.shape


@pytest.mark.parametrize("kind", ["ViT", "DeiT", "ConvNext"])
def test_what_is_left_out_is_the_processors_default(kind):
    processor = getattr(transformers, f"{kind}ImageProcessorPil")()
    prepare = preparation({"image_processor_type": f"{kind}ImageProcessor"}, FILE)
    picture = next(pictures())
    theirs = processor(Image.fromarray(picture), return_tensors="pt")["pixel_values"][0]
    assert torch.allclose(shown(prepare, picture), theirs, atol=1e-6)


def test_the_default_processor_rounds_a_few_pixels_to_the_next_level():
    """It resizes with torchvision, in whole levels; no pixel is further away than one."""
    size = {"height": 33, "width": 33}
    processor = transformers.ViTImageProcessor(size=size)
    settings = {"image_processor_type": "ViTImageProcessor", "size": size}
    prepare = preparation(settings, FILE)
    for picture in pictures():
        theirs = processor(Image.fromarray(picture), return_tensors="pt")["pixel_values"][0]
        levels = (shown(prepare, picture) - theirs) * 0.5 * 255
        assert levels.abs().max() < 1.01


WRONG = {
    "no type": ({"image_processor_type": None}, "image_processor_type must be one of"),
    "another type": (
        {"image_processor_type": "CLIPImageProcessor"},
        "ConvNextImageProcessor; got 'CLIPImageProcessor'",
    ),
    "padding": ({"do_pad": True}, "do_pad must be left out; got True"),
    "what comes later": ({"do_dance": 1}, "do_dance must be left out; got 1"),
    "no resizing": ({"do_resize": False}, "do_resize must be true"),
    "no rescaling": ({"do_rescale": False}, "do_rescale must be true"),
    "another scale": ({"rescale_factor": 1.0}, "rescale_factor must be 1/255; got 1.0"),
    "a scale of text": ({"rescale_factor": "x"}, "rescale_factor must be 1/255"),
    "a filter": ({"resample": 9}, "resample must be 0 to 5"),
    "a filter of text": ({"resample": "bilinear"}, "resample must be 0 to 5"),
    "no square": ({"size": {"height": 3, "width": 4}}, "must be a square or a shortest_edge"),
    "a longest edge": ({"size": {"longest_edge": 3}}, "must be a square or a shortest_edge"),
    "an endless size": ({"size": 10**9}, "1 to 4096 pixels; got 1000000000"),
    "no pixels": ({"size": 0}, "1 to 4096 pixels; got 0"),
    "true": ({"size": True}, "1 to 4096 pixels; got True"),
    "a large crop": (
        {"do_center_crop": True, "crop_size": 500},
        "crop_size must be at most size, 224; got 500",
    ),
    "a crop of nothing": ({"do_center_crop": True}, "must be a square or a shortest_edge"),
    "a number that is the short side": (
        {"size": 33, "default_to_square": False},
        "default_to_square must be True where size is a number; got False",
    ),
    "images that are no squares": (
        {"size": {"shortest_edge": 33}},
        "size must be a square where do_center_crop is not true; got {'shortest_edge': 33}",
    ),
    "two means": ({"image_mean": [0.5, 0.5]}, "image_mean must be three numbers"),
    "a mean that is none": ({"image_mean": [0.5, 0.5, float("nan")]}, "three finite numbers"),
    "deviation 0": ({"image_std": [0.5, 0, 0.5]}, "image_std must be above 0"),
}


@pytest.mark.parametrize(("changed", "said"), WRONG.values(), ids=WRONG)
def test_what_is_not_covered_is_refused_by_its_name(changed, said):
    settings = {"image_processor_type": "ViTImageProcessor", **changed}
    with pytest.raises(CheckpointError) as caught:
        preparation(settings, FILE)
    assert said in str(caught.value)
    assert str(caught.value).startswith(str(FILE))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"size": SQUARE}, "size must be a shortest_edge"),
        ({"size": 33, "default_to_square": True}, "default_to_square must be False"),
        ({"do_center_crop": True}, "without do_center_crop"),
        ({"crop_pct": 0}, "crop_pct must be 0.1 to 1"),
        ({"crop_pct": "all"}, "crop_pct must be 0.1 to 1"),
    ],
)
def test_a_convnext_has_steps_of_its_own(changed, said):
    with pytest.raises(CheckpointError, match=said):
        preparation({"image_processor_type": "ConvNextImageProcessor", **changed}, FILE)
