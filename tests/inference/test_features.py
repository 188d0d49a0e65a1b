"""Features of every depth: the same numbers hot, cold, in any batch, and against a plain loop."""

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import from_module
from acn_eval.corruptions import Context
from acn_eval.data import Geometry, PrepareImages
from acn_eval.errors import Unsupported
from acn_eval.inference import (
    CLEAN,
    ClassMap,
    Depths,
    EvaluatedModel,
    FeatureUnit,
    Question,
    feature_widths,
    read_features,
)
from tests.inference.asking import SMALL, Job, one_pass
from tests.models.networks import randomised
from tests.tiny import checkpoint, digits

N = 40


class Counted(torch.nn.Module):
    """Passes readings on and counts images; more than `largest` at once do not fit."""

    def __init__(self, inner, largest=None):
        super().__init__()
        self.inner, self.largest, self.images = inner, largest, 0

    def readings(self, images):
        if self.largest is not None and len(images) > self.largest:
            msg = "a GPU that is too small"
            raise torch.OutOfMemoryError(msg)
        self.images += len(images)
        return self.inner.readings(images)


def counted(model, largest=None):
    return replace(model, model=Counted(model.model, largest))


@pytest.fixture
def pair(tiny, device):
    return [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]


def job(checkpoints, runtime, *, questions=None, examples=None):
    return Job(
        subjects=[EvaluatedModel(c, ClassMap((), restricted=False)) for c in checkpoints],
        examples=digits(N) if examples is None else examples,
        questions=questions or [Question(CLEAN)],
        spec=checkpoints[0].prepare.spec,
        runtime=runtime,
        seed=0,
        profile=runtime.profile("fp32", max(c.id.flops for c in checkpoints)),
        context=Context((0.375,)),
        unit=FeatureUnit,
    )


def tables(work):
    return one_pass(work, lambda done, total: None)


def test_features_equal_a_loop_over_single_images(pair, runtime, device):
    examples = digits(N)
    for model, (table,) in zip(pair, tables(job(pair, runtime)), strict=True):
        found = Depths(table)
        for i in range(N):
            image = examples.read(np.array([i]), model.prepare.spec).to(device) / 255
            with torch.no_grad():
                readings = model.model.readings(model.prepare(image))
            for k, reading in enumerate(readings):
                for name in ("stream", "block"):
                    wanted = getattr(reading, name)[0].cpu().numpy()
                    np.testing.assert_allclose(found.of(name, k)[i], wanted, atol=1e-5)


def test_two_readings_where_they_differ_and_one_where_not(pair, runtime):
    (ac,), (res,) = tables(job(pair, runtime))
    assert ac.shape == (2, N)
    assert res.shape == (1, N)
    assert Depths(ac).widths == Depths(res).widths == (16,) * 3
    assert np.array_equal(ac["0"][0], ac["0"][1])  # the embedding
    assert not np.allclose(ac["2"][0], ac["2"][1])
    assert [feature_widths(model, runtime) for model in pair] == [(16,) * 3] * 2


def test_hot_and_cold_are_the_same_to_the_last_bit(pair, runtime):
    models = [counted(model) for model in pair]
    questions = list(SMALL.questions())
    cold = tables(job(models, runtime, questions=questions))
    done = [model.model.images for model in models]
    hot = tables(job(models, runtime, questions=questions))
    assert done == [N * len(questions)] * 2
    assert [model.model.images for model in models] == done
    for before, after in zip(cold, hot, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_pass_goes_on_where_another_ended(pair, runtime, chunks_of):
    chunks_of(16)
    tables(job(pair[:1], runtime))
    files = sorted(runtime.store.folder.glob("*/*.outcomes"))
    assert len(files) == 3
    files[1].unlink()
    models = [counted(model) for model in pair]
    tables(job(models, runtime))
    assert 0 < models[0].model.images <= 16
    assert models[1].model.images == N


def test_another_question_is_another_entry(pair, runtime):
    (model,) = models = [counted(pair[0])]
    tables(job(models, runtime))
    noisy = list(SMALL.questions())[1]
    shifted = digits(N).at(np.arange(1, N))
    others = [
        (job(models, runtime, questions=[noisy]), N),
        (job(models, runtime, examples=shifted), N - 1),
        (replace(job(models, runtime), profile=runtime.profile("bf16", 1)), N),
    ]
    for other, images in others:
        before = model.model.images
        tables(other)
        assert model.model.images - before == images


def test_batches_and_memory_do_not_matter(pair, runtime):
    ((expected,),) = tables(job(pair[:1], runtime))
    for size, largest in ((7, None), (32, 10)):
        own = replace(
            runtime,
            batch_size=size,
            store=OutcomeCache(runtime.store.folder.with_name(f"batch {size}")),
        )
        ((found,),) = tables(job([counted(pair[0], largest)], own))
        for depth in ("0", "1", "2"):
            np.testing.assert_allclose(found[depth], expected[depth], atol=1e-5)


def test_every_image_is_told_once(pair, runtime):
    told = []
    for _ in range(2):
        work = job(pair, runtime, questions=list(SMALL.questions()))
        one_pass(work, lambda done, total: told.append((done, total)))
        assert told[-1] == (2 * N * 5, 2 * N * 5)


def foreign(module, size, classes):
    names = tuple(map(str, range(classes)))
    prepare = PrepareImages(Geometry(size, 3), (0.5,) * 3, (0.5,) * 3)
    return from_module(module, name="foreign", classes=names, prepare=prepare)


@pytest.mark.parametrize("name", ["test_vit", "test_resnet", "test_efficientnet"])
def test_the_last_depth_of_a_timm_model_is_what_its_head_reads(name, runtime):
    model = randomised(timm.create_model(name, num_classes=5), std=0.02)
    loaded = foreign(model, 160, 5)
    images = torch.rand(2, 3, 160, 160)
    last = read_features(loaded, images, "fp32")[-1]
    with torch.no_grad():
        wanted = model.forward_head(model.forward_features(images), pre_logits=True)
        assert torch.allclose(model.get_classifier()(wanted), model(images), atol=1e-5)
    assert last.shape == (1, 2, model.num_features)
    assert torch.allclose(last[0], wanted, atol=1e-5)
    assert feature_widths(loaded, replace(runtime, device=torch.device("cpu")))[-1] == (
        model.num_features
    )


def test_logits_are_no_features(runtime):
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))
    with pytest.raises(Unsupported, match="Sequential: has no features before its head"):
        feature_widths(foreign(module, 8, 4), replace(runtime, device=torch.device("cpu")))


def test_a_module_with_exits_alone_is_not_guessed_at(runtime):
    class Exits(torch.nn.Sequential):
        def exits(self, images):
            return [self(images)]

    loaded = foreign(Exits(torch.nn.Flatten(), torch.nn.Linear(192, 4)), 8, 4)
    with pytest.raises(Unsupported, match="foreign: has no `readings`"):
        feature_widths(loaded, replace(runtime, device=torch.device("cpu")))
