"""Batches depend on seed and step alone."""

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from acn_eval.data import Geometry, open_examples
from acn_eval.training.batches import Augment, augmented, batch_indices, keyed_rng

SIZE = Geometry(8, 1)


@pytest.fixture(scope="module")
def train():
    return open_examples("digits", "train")


def batch(examples, seed=0, n=32, geometry=SIZE, **augment):
    return augmented(examples, np.arange(n), geometry, Augment(**augment), seed)


@pytest.mark.parametrize(("n", "size"), [(10, 3), (10, 10), (10, 25), (7, 1), (64, 64)])
def test_epochs_are_permutations_laid_end_to_end(n, size):
    steps = 3 * n
    seen = np.concatenate([batch_indices(n, size, step, seed=1) for step in range(steps)])
    assert len(seen) == steps * size
    epochs = seen[: len(seen) // n * n].reshape(-1, n)
    assert (np.sort(epochs, axis=1) == np.arange(n)).all()
    assert n == 1 or len({tuple(e) for e in epochs}) > 1


def test_a_step_does_not_know_its_history():
    forwards = [batch_indices(100, 7, step, 0) for step in range(40)]
    backwards = [batch_indices(100, 7, step, 0) for step in reversed(range(40))]
    assert all(map(np.array_equal, forwards, backwards[::-1]))


def test_seeds_order_differently():
    assert not np.array_equal(batch_indices(100, 50, 0, 0), batch_indices(100, 50, 0, 1))


def test_nothing_is_done_unless_asked(train):
    images, targets = batch(train)
    expected = train.read(np.arange(32), SIZE).to(torch.float32) / 255
    assert torch.equal(images, expected)
    assert torch.equal(targets.argmax(1), torch.from_numpy(train.labels[:32]))
    assert torch.equal(targets.sum(1), torch.ones(32))


ALL = {"crop_padding": 2, "flip": True, "auto_augment": True, "cutmix": 1.0}


@pytest.mark.parametrize("augment", [{k: v} for k, v in ALL.items()] + [ALL], ids=str)
def test_augmentations_are_keyed(train, augment):
    geometry = Geometry(8, 3)
    one, again = (batch(train, 5, geometry=geometry, **augment) for _ in range(2))
    other = batch(train, 6, geometry=geometry, **augment)
    plain = batch(train, 5, geometry=geometry)
    assert torch.equal(one.images, again.images)
    assert torch.equal(one.targets, again.targets)
    assert not torch.equal(one.images, other.images)
    assert not torch.equal(one.images, plain.images)


@pytest.mark.parametrize("augment", [{k: v} for k, v in ALL.items()] + [ALL], ids=str)
def test_global_generators_are_left_alone(train, augment):
    torch.manual_seed(11)
    np.random.seed(11)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    batch(train, geometry=Geometry(8, 3), **augment)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    torch.rand(100)  # what was drawn before does not matter either
    one = batch(train, geometry=Geometry(8, 3), **augment)
    torch.manual_seed(99)
    assert torch.equal(one.images, batch(train, geometry=Geometry(8, 3), **augment).images)


def test_an_error_inside_gives_the_generator_back():
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError), keyed_rng(3):
        torch.rand(-5)
    assert torch.equal(torch.get_rng_state(), before)


def test_crops_are_windows_of_the_padded_picture(train):
    """Each is one of the 25 windows of its own picture, and many different ones occur."""
    images = batch(train, crop_padding=2, n=64).images
    padded = pad(batch(train, n=64).images, (2,) * 4)
    where = set()
    for cropped, whole in zip(images, padded, strict=True):
        windows = {
            (top, left): whole[:, top : top + 8, left : left + 8]
            for top in range(5)
            for left in range(5)
        }
        hits = [at for at, window in windows.items() if torch.equal(window, cropped)]
        assert hits
        where.update(hits)
    assert len(where) > 15


def test_flips_mirror_about_half_of_the_pictures(train):
    plain, flipped = batch(train, n=200).images, batch(train, n=200, flip=True).images
    mirrored = [torch.equal(a.flip(-1), b) for a, b in zip(plain, flipped, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(plain, flipped, strict=True)]
    assert all(m or k for m, k in zip(mirrored, kept, strict=True))
    assert 70 < sum(mirrored) < 130


def test_cutmix_targets_are_probabilities_of_what_is_shown(train):
    plain = batch(train, n=64)
    mixed = batch(train, n=64, cutmix=1.0)
    assert torch.allclose(mixed.targets.sum(1), torch.ones(64))
    assert (mixed.targets >= 0).all()
    assert ((mixed.targets > 0).sum(1) <= 2).all()
    # One window for the whole batch; what is outside is the picture itself.
    changed = (mixed.images != plain.images).any(dim=0)[0]
    rows, columns = changed.any(1).sum(), changed.any(0).sum()
    own = plain.targets.argmax(1)
    weight = mixed.targets[torch.arange(64), own]
    assert float(weight.min()) >= 1 - float(rows * columns) / 64 - 1e-6


def test_cutmix_happens_as_often_as_asked(train):
    mixed = [
        not torch.equal(batch(train, s, 8, cutmix=0.3).targets.max(1).values, torch.ones(8))
        for s in range(200)
    ]
    assert 35 < sum(mixed) < 85
