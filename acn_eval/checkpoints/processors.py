"""The preprocessor_config.json of transformers, as a preparation of images.

Its processors are not run: corruptions act between resizing and normalization. Defaults and order
of the steps are those of transformers 5.23; pixels are those of its Pillow processors.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from acn_eval.config_files import cut
from acn_eval.data.framing import Framing, Interpolation
from acn_eval.data.geometry import Geometry, PrepareImages
from acn_eval.errors import CheckpointError

__all__ = ["preparation"]

_HALF = (0.5, 0.5, 0.5)
_FILTERS: tuple[Interpolation, ...] = (
    "nearest",
    "lanczos",
    "bilinear",
    "bicubic",
    "box",
    "hamming",
)
_CONVNEXT = {"size": {"shortest_edge": 384}, "crop_pct": 224 / 256, "resample": 3}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "ViT": {"size": 224, "resample": 2},
    "DeiT": {"size": 256, "crop_size": 224, "do_center_crop": True, "resample": 3},
    "ConvNext": {"size": {"shortest_edge": 384}, "crop_pct": 224 / 256, "resample": 3},
}
_READ = {
    *("do_resize", "size", "resample", "do_center_crop", "crop_size", "crop_pct"),
    *("do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std"),
}
_WITHOUT_EFFECT = {  # on RGB images that are read one by one
    *("image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb"),
    *("data_format", "default_to_square", "_valid_processor_keys", "return_tensors"),
}
_LARGEST = 4096


def preparation(settings: Mapping[str, Any], file: Path) -> PrepareImages:
    """Return the preparation that a processor's settings state.

    Raises:
        CheckpointError: a step that is not covered, by its name, or a size that is none.
    """
    family = _family(settings, file)
    for name, value in settings.items():
        if name not in _READ | _WITHOUT_EFFECT and value not in (None, False):
            raise CheckpointError(f"{file}: {name} must be left out; got {cut(value)}")
    stated = {name: value for name, value in settings.items() if value is not None}
    said = {**_DEFAULTS[family], **stated}
    for name in ("do_resize", "do_rescale"):
        if said.get(name, True) is not True:
            raise CheckpointError(f"{file}: {name} must be true; got {cut(said[name])}")
    factor = said.get("rescale_factor", 1 / 255)
    if not isinstance(factor, float) or abs(255 * factor - 1) > 1e-6:
        raise CheckpointError(f"{file}: rescale_factor must be 1/255; got {cut(factor)}")
    size, framing = _framed(family, said, file)
    plain = said.get("do_normalize", True) is False
    mean = (0.0,) * 3 if plain else _three(said.get("image_mean", _HALF), "image_mean", file)
    std = (1.0,) * 3 if plain else _three(said.get("image_std", _HALF), "image_std", file)
    if not all(value > 0 for value in std):
        raise CheckpointError(f"{file}: image_std must be above 0; got {cut(std)}")
    return PrepareImages(Geometry(size, 3, framing), mean, std)


def _family(settings: Mapping[str, Any], file: Path) -> str:
    kind = settings.get("image_processor_type") or settings.get("feature_extractor_type")
    name = str(kind).removesuffix("Fast").removesuffix("Pil")
    family = name.removesuffix("ImageProcessor").removesuffix("FeatureExtractor")
    if family not in _DEFAULTS or family == name:
        known = ", ".join(f"{known}ImageProcessor" for known in _DEFAULTS)
        what = f"image_processor_type must be one of {known}"
        raise CheckpointError(f"{file}: {what}; got {cut(kind)}")
    return family


def _framed(family: str, said: Mapping[str, Any], file: Path) -> tuple[int, Framing]:
    filter_ = said["resample"]
    if type(filter_) is not int or not 0 <= filter_ < len(_FILTERS):
        raise CheckpointError(f"{file}: resample must be 0 to 5, Pillow's; got {cut(filter_)}")
    interpolation = _FILTERS[filter_]
    square = family != "ConvNext"
    if not isinstance(said["size"], dict) and said.get("default_to_square", square) is not square:
        what = f"default_to_square must be {square} where size is a number"
        raise CheckpointError(f"{file}: {what}; got {cut(said['default_to_square'])}")
    side, mode = _size(said["size"], "squash" if square else "center", file)
    if not square:
        return side, _convnext(side, mode, said, interpolation, file)
    size = side
    if said.get("do_center_crop"):
        size, _ = _size(said.get("crop_size"), "squash", file)
    elif mode == "center":
        what = "size must be a square where do_center_crop is not true"
        raise CheckpointError(f"{file}: {what}; got {cut(said['size'])}")
    if size > side:
        raise CheckpointError(f"{file}: crop_size must be at most size, {side}; got {size}")
    return size, Framing.cropping(side, size, interpolation, mode, "down")


def _convnext(
    side: int, mode: str, said: Mapping[str, Any], interpolation: Interpolation, file: Path
) -> Framing:
    """Below 384 pixels it resizes the short side and crops; from there on it squashes."""
    share = said["crop_pct"]
    if mode != "center" or said.get("do_center_crop"):
        what = "size must be a shortest_edge, without do_center_crop"
        raise CheckpointError(f"{file}: {what}; got {cut(said['size'])}")
    if not isinstance(share, float | int) or not 0.1 <= share <= 1:
        raise CheckpointError(f"{file}: crop_pct must be 0.1 to 1; got {cut(share)}")
    if side >= 384:
        return Framing(1.0, "squash", interpolation)
    return Framing.cropping(int(side / share), side, interpolation, "center", "down")


def _size(
    value: Any, plain: Literal["center", "squash"], file: Path
) -> tuple[int, Literal["center", "squash"]]:
    """Return pixels, and how an image comes to them; a number alone is a square if `plain` is."""
    mode = plain
    if isinstance(value, dict) and value.keys() == {"shortest_edge"}:
        value, mode = value["shortest_edge"], "center"
    elif isinstance(value, dict) and value.keys() == {"height", "width"}:
        mode = "squash"
        value = value["height"] if value["height"] == value["width"] else value
    if type(value) is not int or not 1 <= value <= _LARGEST:
        what = f"sizes must be a square or a shortest_edge of 1 to {_LARGEST} pixels"
        raise CheckpointError(f"{file}: {what}; got {cut(value)}")
    return value, mode


def _three(value: Any, name: str, file: Path) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise CheckpointError(f"{file}: {name} must be three numbers; got {cut(value)}")
    if not all(type(v) in (int, float) and abs(v) < 1e3 for v in value):  # not for NaN
        raise CheckpointError(f"{file}: {name} must be three finite numbers; got {cut(value)}")
    return tuple(map(float, value))
