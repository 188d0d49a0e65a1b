"""The contract of a corruption: its levels, its key, and the digest of what it did."""

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from acn_eval.corruptions import (
    AnyCorruption,
    Context,
    Gaussian,
    NoiseKey,
    SaltPepper,
    noise_digest,
)
from acn_eval.corruptions.common import Jpeg
from acn_eval.corruptions.philox import uniform16
from acn_eval.data import Geometry
from acn_eval.errors import Unsupported
from tests.corruptions.test_noise import KEY, pictures


@pytest.mark.parametrize("noise", [Gaussian(), SaltPepper()], ids=repr)
def test_seed_repeat_id_and_stream_each_change_the_draw(noise):
    shape, ids = (2, 3, 8, 8), torch.tensor([1, 2])
    draws = [
        noise.draw(shape, ids, NoiseKey(0, 0)),
        noise.draw(shape, ids, NoiseKey(1, 0)),
        noise.draw(shape, ids, NoiseKey(0, 1)),
        noise.draw(shape, ids + 2, NoiseKey(0, 0)),
        noise.draw(shape, ids + 2**32, NoiseKey(0, 0)),
        uniform16(ids, draws_per(noise), NoiseKey(0, 0).words("training")).view(2, -1, 8, 8),
    ]
    for i, one in enumerate(draws):
        assert not any(torch.equal(one, other) for other in draws[:i])


def draws_per(noise):
    return 3 * 64 if noise.per == "element" else 64


def test_digest_tells_pixels_apart():
    images, ids, context = pictures(8, (3, 8, 8)), torch.arange(8), Context(std=(0.2,) * 3)

    def digest(noise, key=KEY, images=images):
        return noise_digest([noise], images, ids, key=key, context=context)

    digests = [
        digest(Gaussian()),
        digest(Gaussian(clip=False)),
        digest(SaltPepper()),
        digest(SaltPepper(per="element")),
        digest(Gaussian(), key=NoiseKey(3, 2)),
        digest(Gaussian(), images=images.flip(0)),
    ]
    assert len(set(digests)) == len(digests)
    assert digest(Gaussian()) == digests[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "gaussian", "sigma": [0.1]},
        {"kind": "gaussian", "levels": [0.2, 0.1]},
        {"kind": "gaussian", "levels": []},
        {"kind": "gaussian", "levels": [0]},
        {"kind": "salt_pepper", "levels": [1.5]},
        {"kind": "salt_pepper", "clip": True},
        {"kind": "gauss"},
    ],
    ids=str,
)
def test_bad_configs_are_refused(fields):
    with pytest.raises(ValidationError):
        TypeAdapter(AnyCorruption).validate_python(fields)


def test_what_it_cannot_act_on_is_refused_before_anything_is_read():
    Jpeg().check_spec(Geometry(8, 3))
    with pytest.raises(Unsupported, match="jpeg: images must have 3 channels; got 1"):
        Jpeg().check_spec(Geometry(8, 1))
