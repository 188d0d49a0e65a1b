"""The numbers depend on the question alone: not on batches, order, shards, store or company."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.corruptions import Context, NoiseKey
from acn_eval.inference import Runtime
from tests.inference.asking import SMALL, ask, assert_same, by_id, job, one_pass
from tests.tiny import checkpoint, counting, digits

N = 96


@pytest.fixture
def pair(tiny, device):
    return [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]


@pytest.fixture(scope="module")
def expected(tiny, device, tmp_path_factory):
    runtime = Runtime(
        device, batch_size=N, store=OutcomeCache(tmp_path_factory.mktemp("outcomes"))
    )
    return ask([checkpoint(tiny, n, device) for n in ("tiny_ac", "tiny_res")], digits(N), runtime)


def test_there_is_something_to_get_wrong(expected):
    labels = digits(N).labels[np.argsort(digits(N).ids)]
    accuracies = (expected["predicted"] == labels).mean(axis=-1)
    assert (accuracies[:, 0] > 0.6).all()
    assert (accuracies < 1).all()
    assert not np.array_equal(expected["predicted"][:, 0], expected["predicted"][:, 2])
    assert not np.array_equal(expected["predicted"][0], expected["predicted"][1])


@pytest.mark.parametrize("size", [1, 7, 64, 256])
def test_batch_size_does_not_matter(pair, runtime, expected, size):
    assert_same(ask(pair, digits(N), replace(runtime, batch_size=size)), expected)


def test_order_does_not_matter(pair, runtime, expected):
    shuffled = digits(N).at(np.random.default_rng(0).permutation(N))
    assert_same(ask(pair, shuffled, runtime), expected)


def test_outcomes_come_in_the_order_of_the_examples(pair, runtime):
    examples = digits(N)
    outcomes = one_pass(job(pair, examples, runtime), lambda done, total: None)
    assert all(np.array_equal(o["id"], examples.ids[None]) for row in outcomes for o in row)


def test_two_shards_make_the_whole(pair, runtime, expected):
    examples = digits(N)
    shards = [examples.at(np.arange(k, N, 2)) for k in range(2)]
    parts = [ask(pair, shard, runtime) for shard in shards]
    assert_same(by_id(np.concatenate(parts, axis=-1)), expected)


def test_chunks_do_not_matter(pair, runtime, expected, chunks_of):
    chunks_of(13)
    assert_same(ask(pair, digits(N), runtime), expected)


def test_a_half_filled_store_does_not_matter(pair, runtime, expected, chunks_of):
    chunks_of(32)
    ask(pair[:1], digits(64), runtime)
    files = sorted(runtime.store.folder.glob("*/*.outcomes"))
    for file in files[::2]:
        file.unlink()
    assert_same(ask(pair, digits(N), runtime), expected)


def test_company_does_not_matter(pair, runtime, expected):
    for i, alone in enumerate(pair):
        found = ask(
            [alone],
            digits(N),
            replace(runtime, store=OutcomeCache(runtime.store.folder.with_name(f"alone {i}"))),
        )
        assert_same(found[0], expected[i])


def test_other_questions_do_not_matter(pair, runtime, expected):
    one = SMALL.model_copy(update={"corruptions": SMALL.corruptions[1:2]})
    assert_same(ask(pair, digits(N), runtime, suite=one)[:, 1], expected[:, 3])


@torch.inference_mode()
def test_outcomes_equal_a_loop_over_single_images(tiny):
    """Corrupt that one image, forward, argmax; nothing of the pass is used."""
    runtime = Runtime(torch.device("cpu"), batch_size=32, store=OutcomeCache(tiny / "loop"))
    model = checkpoint(tiny)
    examples = digits(24)
    found = ask([model], examples, runtime)[0]
    for row, i in enumerate(np.argsort(examples.ids)):
        image = examples.read(np.array([i]), model.prepare.spec) / 255
        ids = torch.tensor([int(examples.ids[i])])
        for q, question in enumerate(SMALL.questions()):
            shown = image
            if question.corruption is not None:
                draw = question.corruption.draw(image.shape, ids, NoiseKey(0, question.repeat))
                shown = question.corruption.corrupt(image, draw, question.level, Context())
            mean, std = model.prepare.mean[0], model.prepare.std[0]
            logits = model.model((shown - mean) / std)[0]
            assert found[q, 0, row]["id"] == examples.ids[i]
            assert found[q, 0, row]["predicted"] == int(logits.argmax())
            assert found[q, 0, row]["confidence"] == pytest.approx(float(logits.softmax(0).max()))


def test_repeats_are_draws_of_their_own(pair, runtime, expected):
    found = ask(pair, digits(N), runtime, suite=SMALL.model_copy(update={"repeats": 2}))
    first, second = found[:, 1::2], found[:, 2::2]
    assert_same(first, expected[:, 1:])
    assert not np.array_equal(first["predicted"], second["predicted"])


def test_every_noise_is_drawn_once_for_all_levels_and_checkpoints(pair, runtime, monkeypatch):
    drawn = []
    kind = type(SMALL.corruptions[0])
    original = kind._draw

    def count(self, shape, ids, key):
        drawn.append(shape[0])
        return original(self, shape, ids, key)

    monkeypatch.setattr(kind, "_draw", count)
    ask(pair, digits(N), runtime)  # one Gaussian at two levels for two checkpoints
    assert sum(drawn) == N


def test_a_resize_after_the_corruption_is_the_checkpoints(pair, device):
    images = torch.rand(2, 1, 16, 16, device=device)
    assert pair[0].prepare(images).shape == (2, 1, 8, 8)
    same = torch.rand(2, 1, 8, 8, device=device)
    assert torch.equal(pair[0].prepare(same), pair[0].prepare.normalize(same))


def test_progress_counts_every_image_once(pair, runtime, chunks_of):
    chunks_of(40)
    ask(pair, digits(40), runtime)
    seen = []
    one_pass(job(pair, digits(N), runtime), lambda done, total: seen.append((done, total)))
    everything = 2 * 5 * N
    assert seen[-1] == (everything, everything)
    assert seen == sorted(seen)


def test_memory_that_runs_out_halves_the_batch(pair, runtime, expected, chunks_of):
    chunks_of(32)
    models = [counting(c, largest=10) for c in pair]
    seen = []
    done = one_pass(
        job(models, digits(N), runtime), lambda done, total: seen.append((done, total))
    )
    assert_same(by_id(done), expected)
    assert seen[-1] == (2 * 5 * N, 2 * 5 * N)
    assert all(now <= total for now, total in seen)
    assert [n for n in models[0].model.calls if n > 10] == [32, 16]  # found out once, kept
    assert models[0].model.images == models[1].model.images == 5 * N


def test_a_network_that_never_fits_is_said_in_one_line(pair, runtime):
    from acn_eval.errors import MeasureError

    with pytest.raises(MeasureError, match="memory must hold a forward pass of one example"):
        ask([counting(pair[0], largest=0)], digits(4), runtime)


def test_other_runtime_errors_stay_what_they_are(pair, runtime):
    class Broken(torch.nn.Module):
        def forward(self, images):
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="shapes do not fit"):
        ask([replace(pair[0], model=Broken())], digits(4), runtime)


def test_bf16_runs_and_is_not_mistaken_for_fp32(pair, runtime, expected):
    found = ask(pair, digits(N), runtime, numeric="bf16")
    assert not np.array_equal(found["confidence"], expected["confidence"])
    assert (found["predicted"] == expected["predicted"]).mean() > 0.95


@pytest.mark.parametrize(
    ("flops", "values", "size"),
    [
        (1, 3072, 2048),
        (10**8, 3072, 2048),
        (10**9, 150_528, 512),
        (10**10, 150_528, 64),
        (10**11, 150_528, 8),
        (10**13, 150_528, 1),
        (10**6, 3 * 2048**2, 16),
        (10**6, 2**30, 1),
    ],
)
def test_chunks_are_small_where_network_or_pictures_are_large(flops, values, size):
    from acn_eval.inference.one_pass import _chunk_size

    assert _chunk_size(flops, values, 1e12) == size
    assert size == 1 or size * flops <= 1e12
    assert size == 1 or size * values <= 2**28
