"""Shards for the tests that read them, written by WebDataset itself or by tarfile."""

import io
import tarfile

import numpy as np
import webdataset
from PIL import Image

__all__ = ["encoded", "sample", "tar", "written"]


def encoded(seed=0, kind="PNG", size=(9, 7)):
    """An image as bytes: another for each seed."""
    color = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(color).save(stream, kind)
    return stream.getvalue()


def sample(seed, label, key=None):
    return {"__key__": key or f"k{seed:04}", "png": encoded(seed), "cls": str(label).encode()}


def written(path, samples):
    """A shard as WebDataset's own writer makes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with webdataset.TarWriter(str(path), encoder=False) as sink:
        for own in samples:
            sink.write(own)
    return path


def tar(path, members, **options):
    """A tar file of (name, content) in this order; an entry may be a TarInfo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", **options) as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path
