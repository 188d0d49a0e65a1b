"""Pictures hold the pixels of images, whatever corruptions made of them."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from acn_eval.data import Geometry
from acn_eval.report.pictures import picture, rows


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_picture_is_the_image_cut_off_at_its_limits(channels, mode):
    image = torch.linspace(-0.5, 1.5, 16 * channels).view(1, channels, 4, 4)
    made = picture(image, image, "image 3, class cat")
    content = base64.b64decode(made.uri.removeprefix("data:image/png;base64,"))
    read = Image.open(io.BytesIO(content))
    expected = np.rint(255 * np.clip(image[0].numpy().transpose(1, 2, 0), 0, 1))
    assert (made.alt, read.mode) == ("image 3, class cat", mode)
    assert np.array_equal(np.asarray(read).reshape(4, 4, channels), expected)


def test_of_large_images_fewer_are_shown():
    assert [rows(Geometry(size, 3)) for size in (8, 64, 65, 224)] == [4, 4, 2, 2]
