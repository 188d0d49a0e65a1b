"""The noise contract: keyed by image and element alone, exact levels, kornia's operations."""

import hashlib
import itertools

import kornia.augmentation as K
import pytest
import torch
from scipy.stats import norm

from acn_eval.corruptions import (
    Context,
    Gaussian,
    NoiseKey,
    SaltPepper,
)
from acn_eval.corruptions.noise import add_noise, quantile_table, write_poles
from acn_eval.corruptions.philox import uniform16
from acn_eval.errors import ConfigError, Unsupported

KEY = NoiseKey(seed=3, repeat=1)
NOISES = [
    Gaussian(),
    Gaussian(per="pixel"),
    Gaussian(space="normalized"),
    SaltPepper(),
    SaltPepper(per="element"),
]
SHAPES = [(3, 32, 32), (3, 33, 33), (1, 5, 5), (1, 8, 8)]


def pictures(n, shape):
    generator = torch.Generator().manual_seed(1)
    return torch.rand(n, *shape, generator=generator)


def corrupted(noise, images, ids, key=KEY):
    context = Context(std=(0.2, 0.25, 0.3)[: images.shape[1]])
    draw = noise.draw(images.shape, ids, key)
    return torch.stack([noise.corrupt(images, draw, level, context) for level in noise.levels])


@pytest.mark.parametrize("noise", NOISES, ids=repr)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_do_not_depend_on_batch_order_or_shard(noise, shape):
    images, ids = pictures(64, shape), torch.arange(64) * 7919 + 2**40
    whole = corrupted(noise, images, ids)
    for size in (1, 7, 64):
        parts = [
            corrupted(noise, images[i : i + size], ids[i : i + size]) for i in range(0, 64, size)
        ]
        assert torch.equal(torch.cat(parts, dim=1), whole)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(2))
    for chosen in (order, torch.arange(0, 64, 2), torch.arange(1, 64, 2), torch.tensor([63, 5])):
        assert torch.equal(corrupted(noise, images[chosen], ids[chosen]), whole[:, chosen])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("noise", NOISES, ids=repr)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cuda_gives_the_bits_of_the_cpu(noise, shape):
    images, ids = pictures(16, shape), torch.arange(16) - 5
    got = corrupted(noise, images.cuda(), ids.cuda())
    assert torch.equal(got.cpu(), corrupted(noise, images, ids))


def test_spaces_share_their_draws():
    shape, ids = (2, 3, 8, 8), torch.tensor([1, 2])
    assert torch.equal(
        Gaussian().draw(shape, ids, KEY), Gaussian(space="normalized").draw(shape, ids, KEY)
    )


# First 16 hex digits of SHA-256 over the pixels. A new value here is a new NOISE_VERSION: stored
# results would otherwise be paired with other noise.
FROZEN = {
    "gaussian pixel element": "1e197cdda9e98636",
    "gaussian pixel pixel": "8c4d3f1812ce773c",
    "gaussian normalized element": "fb48b8f8dfe8f061",
    "salt_pepper pixel pixel": "249f67eb4f5a6804",
    "salt_pepper pixel element": "38bd9ab9a4ada605",
}


@pytest.mark.parametrize("noise", NOISES, ids=repr)
def test_version_1_is_frozen(noise):
    images = (torch.arange(150) / 256).view(2, 3, 5, 5)
    pixels = corrupted(noise, images, torch.tensor([0, 2**33 + 1]), NoiseKey(17, 0))
    name = f"{noise.kind} {noise.space} {noise.per}"
    assert hashlib.sha256(pixels.numpy().tobytes()).hexdigest()[:16] == FROZEN[name]


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("space", ["pixel", "normalized"])
def test_gaussian_equals_kornia_with_the_same_noise(space, clip):
    images, ids, std = pictures(4, (3, 9, 9)), torch.arange(4), (0.2, 0.25, 0.3)
    noise = Gaussian(space=space, clip=clip)
    draw = noise.draw(images.shape, ids, KEY)
    for level in noise.levels:
        scale = torch.tensor(std if space == "normalized" else (1.0, 1.0, 1.0)).double() * level
        z = torch.from_numpy(norm.ppf((draw.numpy() + 0.5) / 65536))
        expected = K.RandomGaussianNoise(p=1.0)(
            images, params={"gaussian_noise": (z * scale[:, None, None]).float()}
        )
        got = noise.corrupt(images, draw, level, Context(std=std))
        torch.testing.assert_close(got, expected.clamp(0, 1) if clip else expected)


def test_gaussian_is_bit_equal_to_kornia_given_the_table():
    images, ids = pictures(4, (3, 9, 9)), torch.arange(4)
    noise = Gaussian(clip=False)
    draw = noise.draw(images.shape, ids, KEY)
    injected = quantile_table((0.2,), images.device)[draw]
    expected = K.RandomGaussianNoise(p=1.0)(images, params={"gaussian_noise": injected})
    assert torch.equal(noise.corrupt(images, draw, 0.2, Context()), expected)


@pytest.mark.parametrize("per", ["pixel", "element"])
def test_salt_and_pepper_equals_kornia_with_the_same_masks(per):
    images, ids = pictures(4, (3, 9, 9)), torch.arange(4)
    noise = SaltPepper(per=per, salt=0.3)
    draw = noise.draw(images.shape, ids, KEY)
    u = draw.double().expand_as(images) / 65536
    for level in noise.levels:
        masks = {
            "mask_pepper": u < round(65536 * level * 0.7) / 65536,
            "mask_salt": u >= 1 - round(65536 * level * 0.3) / 65536,
        }
        expected = K.RandomSaltAndPepperNoise(p=1.0)(images, params=masks)
        assert torch.equal(noise.corrupt(images, draw, level, Context()), expected)


def test_global_generator_is_left_alone():
    before = torch.get_rng_state()
    for noise in NOISES:
        corrupted(noise, pictures(2, (3, 8, 8)), torch.arange(2))
    assert torch.equal(torch.get_rng_state(), before)


def test_injected_noise_ignores_kornias_std_so_sigma_is_ours():
    # kornia adds what it is given, whatever its std: the scale has to be proved apart.
    images, n = torch.zeros(256, 3, 32, 32), 256 * 3072
    noise = Gaussian(clip=False)
    for level, out in zip(noise.levels, corrupted(noise, images, torch.arange(256)), strict=True):
        z = out.double() / level
        assert abs(z.mean()) < 5 / n**0.5
        assert abs(z.std() - 1) < 5 / (2 * n) ** 0.5
        assert abs((z**4).mean() - 3) < 5 * (96 / n) ** 0.5
        assert abs(z).max() < 4.4


def test_quantile_table_is_that_of_a_normal_distribution():
    table = quantile_table((1.0,), torch.device("cpu")).double()
    expected = torch.from_numpy(norm.ppf((torch.arange(65536).numpy() + 0.5) / 65536))
    torch.testing.assert_close(table, expected, atol=1e-6, rtol=1e-6)
    assert torch.equal(table, -table.flip(0))
    assert abs(table.std().item() - 1) < 1e-4
    assert table.max().item() == pytest.approx(4.3258, abs=1e-3)


def test_normalized_noise_is_sigma_after_normalisation():
    std = (0.2, 0.25, 0.3)
    images = torch.full((64, 3, 32, 32), 0.5)
    noise = Gaussian(levels=(0.4,), space="normalized")
    out = noise.corrupt(
        images, noise.draw(images.shape, torch.arange(64), KEY), 0.4, Context(std=std)
    )
    spread = ((out - images) / torch.tensor(std)[:, None, None]).double().std(dim=(0, 2, 3))
    assert (spread - 0.4).abs().max() < 0.4 * 5 / (2 * 64 * 1024) ** 0.5


def test_normalized_noise_needs_the_std_of_each_channel():
    noise, images = Gaussian(space="normalized"), torch.zeros(1, 3, 4, 4)
    draw = noise.draw(images.shape, torch.tensor([0]), KEY)
    with pytest.raises(ConfigError, match="3 entries"):
        noise.corrupt(images, draw, 0.1, Context(std=(0.2,)))


def test_noise_per_pixel_is_grey():
    images = torch.full((2, 3, 8, 8), 0.5)
    out = corrupted(Gaussian(per="pixel", clip=False), images, torch.arange(2))
    assert torch.equal(out[:, :, 0], out[:, :, 1])
    assert torch.equal(out[:, :, 0], out[:, :, 2])


def test_noise_of_neighbouring_images_is_uncorrelated():
    z = corrupted(
        Gaussian(levels=(1.0,), clip=False), torch.zeros(400, 1, 32, 32), torch.arange(400)
    )
    z = z[0].flatten(1).double()
    assert abs((z[1:] * z[:-1]).mean()) < 5 / (399 * 1024) ** 0.5


def test_clip_defaults_to_pixel_space_only():
    assert Gaussian().clip
    assert not Gaussian(space="normalized").clip
    assert Gaussian(space="normalized", clip=True).clip
    bright = torch.ones(4, 3, 8, 8)
    assert corrupted(Gaussian(), bright, torch.arange(4)).max() == 1
    assert corrupted(Gaussian(clip=False), bright, torch.arange(4)).max() > 1
    assert corrupted(Gaussian(space="normalized"), bright, torch.arange(4)).max() > 1


@pytest.mark.parametrize("salt", [0.0, 0.3, 0.5, 1.0])
def test_larger_amounts_contain_smaller_ones(salt):
    noise = SaltPepper(levels=(0.01, 0.05, 0.1, 0.5, 1.0), salt=salt)
    grey = torch.full((16, 3, 16, 16), 0.5)
    outs = corrupted(noise, grey, torch.arange(16))
    for small, large in itertools.pairwise(outs):
        hit = small != 0.5
        assert torch.equal(large[hit], small[hit])
    assert (outs[-1] != 0.5).all()


@pytest.mark.parametrize(("per", "draws"), [("pixel", 1024), ("element", 3072)])
@pytest.mark.parametrize("salt", [0.2, 0.5])
def test_realised_rates_are_binomial(per, draws, salt):
    grey, n = torch.full((256, 3, 32, 32), 0.5), 256 * draws
    noise = SaltPepper(per=per, salt=salt)
    for level, out in zip(noise.levels, corrupted(noise, grey, torch.arange(256)), strict=True):
        for pole, share in ((1.0, level * salt), (0.0, level * (1 - salt))):
            rate = (out == pole).double().mean().item()
            # The thresholds are multiples of 2^-16; the rest is chance, five sigma wide.
            assert abs(rate - share) < 2**-17 + 5 * (share * (1 - share) / n) ** 0.5


def test_salt_and_pepper_writes_all_channels_of_a_pixel_or_each():
    grey, ids = torch.full((8, 3, 16, 16), 0.5), torch.arange(8)
    hit = corrupted(SaltPepper(), grey, ids)[-1] != 0.5
    assert torch.equal(hit.any(1), hit.all(1))
    hit = corrupted(SaltPepper(per="element"), grey, ids)[-1] != 0.5
    assert not torch.equal(hit.any(1), hit.all(1))


def test_salt_and_pepper_refuses_two_channels():
    with pytest.raises(Unsupported, match="1 or 3 channels; got 2"):
        SaltPepper().draw((1, 2, 8, 8), torch.tensor([0]), KEY)


def test_kernels_compile_whole_and_to_the_same_bits():
    # The eager backend proves that there is no graph break; benchmarks/noise_cost.py compares
    # the bits of the compiled code, which takes seconds to build.
    def whole(function):
        return torch.compile(function, fullgraph=True, backend="eager")

    images, ids, words = pictures(4, (3, 9, 9)), torch.arange(4), KEY.words("gaussian")
    draw = whole(uniform16)(ids, 243, words)
    assert torch.equal(draw, uniform16(ids, 243, words))
    draw, table = draw.view_as(images), quantile_table((0.2,), images.device)
    assert torch.equal(
        whole(add_noise)(images, draw, table, clip=True), add_noise(images, draw, table, clip=True)
    )
    assert torch.equal(
        whole(write_poles)(images, draw, 999, 60000), write_poles(images, draw, 999, 60000)
    )
