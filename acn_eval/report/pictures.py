"""Images as pictures of a page."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from acn_eval.data import Geometry
from acn_eval.report.page import Picture
from acn_eval.studies.robustness.suite import Robustness

__all__ = ["geometry", "picture", "rows"]

_SMALL = 64  # pixels: of larger pictures fewer are shown, because each takes its room in the page
_ROWS, _FEW_ROWS = 4, 2


def geometry(facts: Mapping[str, Any], suite: Robustness) -> Geometry:
    """Return how images were shown; raises what `Geometry.of` raises."""
    return Geometry.of(facts, suite.image_size)


def rows(spec: Geometry) -> int:
    """Return how many images are shown per corruption."""
    return _ROWS if spec.size <= _SMALL else _FEW_ROWS


def picture(shown: Tensor, _clean: Tensor, name: str) -> Picture:
    """Return a PNG of one image (1, channels, size, size), cut off at 0 and 1."""
    pixels = (shown[0].clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    return Picture(uri, name)
