"""Pictures in folders, for the tests that read them."""

import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)


def picture(path, mode="RGB", size=(9, 7)):
    path.parent.mkdir(parents=True, exist_ok=True)
    color = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(color)
    if mode == "RGBA":
        image.putalpha(100)
    elif mode == "P+":  # a palette with transparency in bytes
        image = image.quantize(16)
        image.save(path, transparency=bytes([0, 128, 255]))
        return path
    elif mode != "RGB":
        image = image.convert(mode)
    image.save(path)
    return path
