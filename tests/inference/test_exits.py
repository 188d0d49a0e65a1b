"""Every exit from one pass: what the cut networks answer, from the store or anew."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.inference import Runtime
from tests.inference.asking import SMALL, by_id, job, one_pass
from tests.tiny import checkpoint, counting, digits

N, DEPTH = 70, 2


@pytest.fixture
def pair(tiny, device):
    return [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]


def ask_exits(checkpoints, runtime, *, exits=True, examples=None, **options):
    """Outcomes (exits, n) per subject and question, in the order of the examples."""
    asked = job(checkpoints, examples or digits(N), runtime, **options)
    return one_pass(replace(asked, exits=exits), lambda done, total: None)


def cut(whole, depth):
    """A checkpoint of its own, of the first blocks."""
    identity = replace(whole.id, sha256=f"{whole.id.sha256} {depth}")
    return replace(whole, id=identity, model=whole.model.truncated(depth))


def test_every_exit_is_the_network_cut_there_bit_for_bit(pair, runtime):
    for whole in pair:
        (together,) = ask_exits([whole], runtime)
        for k in range(DEPTH + 1):
            (alone,) = ask_exits([cut(whole, k)], runtime, exits=False)
            for q, outcomes in enumerate(alone):
                assert outcomes.shape == (1, N)
                for field in outcomes.dtype.names:
                    assert np.array_equal(together[q][k][field], outcomes[0][field]), (k, field)


def test_the_exits_differ(pair, runtime):
    """Or the test above compared a thing with itself."""
    (outcomes,) = ask_exits(pair[:1], runtime)
    assert outcomes[0].shape == (DEPTH + 1, N)
    for k in range(DEPTH):
        assert not np.array_equal(outcomes[0][k]["predicted"], outcomes[0][k + 1]["predicted"])


def test_entropy_is_scipys(pair, runtime):
    from scipy.stats import entropy

    examples = digits(N)
    (outcomes,) = ask_exits(pair[:1], runtime)
    images = examples.read(np.arange(N), pair[0].prepare.spec).to(torch.float32) / 255
    device = next(pair[0].model.parameters()).device
    with torch.inference_mode():
        logits = pair[0].model.exits(pair[0].prepare.normalize(images.to(device)))
    for k, own in enumerate(logits):
        expected = entropy(own.softmax(1).cpu().numpy().astype(np.float64), axis=1)
        np.testing.assert_allclose(outcomes[0][k]["entropy"], expected, atol=1e-5)


def test_from_the_store_is_anew(pair, runtime, chunks_of):
    chunks_of(32)
    fresh = ask_exits(pair, runtime)
    counted = [counting(c) for c in pair]
    cached = ask_exits(counted, runtime)
    assert [c.model.images for c in counted] == [0, 0]
    for one, other in zip(fresh, cached, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_half_filled_store_is_completed(pair, runtime, chunks_of):
    chunks_of(32)
    fresh = ask_exits(pair, runtime)
    files = sorted(runtime.store.folder.glob("*/*.outcomes"))
    for file in files[::2]:
        file.unlink()
    resumed = ask_exits(pair, runtime)
    assert sorted(runtime.store.folder.glob("*/*.outcomes")) == files
    for one, other in zip(fresh, resumed, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_one_exit_and_many_are_never_mistaken_for_each_other(pair, runtime):
    (last,) = ask_exits(pair[:1], runtime, exits=False)
    files = len(list(runtime.store.folder.glob("*/*.outcomes")))
    (every,) = ask_exits(pair[:1], runtime)
    assert len(list(runtime.store.folder.glob("*/*.outcomes"))) == 2 * files
    assert [o.shape for o in last] == [(1, N)] * len(last)
    assert [o.shape for o in every] == [(DEPTH + 1, N)] * len(every)
    for a, b in zip(last, every, strict=True):
        assert np.array_equal(a[0], b[-1])


class OneExit(torch.nn.Module):
    """A foreign network: it has its last exit alone."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, images):
        return self.inner(images)

    def exits(self, images):
        return [self(images)]


def test_networks_with_one_exit_and_with_many_share_a_pass(pair, runtime):
    identity = replace(pair[0].id, sha256="foreign")
    foreign = replace(pair[0], id=identity, model=OneExit(pair[0].model))
    one, many = ask_exits([foreign, pair[1]], runtime)
    assert [o.shape for o in one] == [(1, N)] * len(one)
    assert [o.shape for o in many] == [(DEPTH + 1, N)] * len(many)
    (alone,) = ask_exits(
        [pair[0]], replace(runtime, store=OutcomeCache(runtime.store.folder / "alone"))
    )
    assert all(np.array_equal(a[0], b[-1]) for a, b in zip(one, alone, strict=True))


@pytest.mark.parametrize("size", [1, 7, 64])
def test_batch_size_does_not_matter(pair, device, tmp_path, size):
    whole, parts = (
        by_id(ask_exits(pair, Runtime(device, n, "fp32", OutcomeCache(tmp_path / str(n)))))
        for n in (N, size)
    )
    assert np.array_equal(whole["predicted"], parts["predicted"])
    for field in ("confidence", "entropy"):
        np.testing.assert_allclose(whole[field], parts[field], atol=1e-5)


def test_a_network_that_hardly_fits_gives_every_exit(pair, runtime):
    class Small(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner, self.sizes = inner, []

        def exits(self, images):
            self.sizes.append(len(images))
            if len(images) > 10:
                raise torch.OutOfMemoryError("a GPU that is too small")
            return self.inner.exits(images)

    small = Small(pair[0].model)
    (found,) = ask_exits([replace(pair[0], model=small)], runtime)
    other = replace(runtime, store=OutcomeCache(runtime.store.folder / "other"))
    (expected,) = ask_exits(pair[:1], other)
    assert max(small.sizes) == 32
    for one, same in zip(found, expected, strict=True):
        assert np.array_equal(one["predicted"], same["predicted"])


def test_every_image_is_counted_once_whatever_the_number_of_exits(pair, runtime):
    seen = []
    asked = replace(job(pair, digits(N), runtime), exits=True)
    one_pass(asked, lambda done, total: seen.append((done, total)))
    everything = 2 * len(list(SMALL.questions())) * N
    assert seen[-1] == (everything, everything)
