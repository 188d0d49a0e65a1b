"""Images in memory are the pixels that a network of their size reads."""

import numpy as np

from acn_eval.data import ArrayImages, Geometry, decoded, open_examples


def test_they_are_read_by_position_and_hashed_by_content():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    pixels[3] = pixels[1]
    images = ArrayImages(pixels)
    read = images.read(np.array([4, 0]), Geometry(4, 3))
    assert np.array_equal(read.permute(0, 2, 3, 1).numpy(), pixels[[4, 0]])
    hashes = images.hashes(np.arange(5))
    assert hashes[3] == hashes[1]
    assert len(set(hashes.tolist())) == 4
    assert images.shape() == (3, 4, 4)


def test_decoding_once_changes_no_pixel():
    examples, geometry = open_examples("digits").keyed(20), Geometry(11, 3)
    once, where = decoded(examples, geometry), np.arange(20)
    assert np.array_equal(once.read(where, geometry), examples.read(where, geometry))
    assert np.array_equal(once.ids, examples.ids)
    assert once.inputs.shape() == (3, 11, 11)
