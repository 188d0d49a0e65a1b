"""A step is timed on made-up images, and its estimate on a GPU follows from what is documented."""

import pytest
import torch

from acn_eval.models import build
from acn_eval.training import step_time as module
from acn_eval.training.step_time import GPU_RATE, PER_BLOCK, step_time
from tests.tiny import CPU, recipe
from tests.training import texts

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="it is timed on the GPU")


def forward_flops(arch, images):
    """Two per multiply-add of every matrix product, by hand: patches, blocks, head."""
    tokens, width, patches = arch.tokens, arch.width, (arch.image_size // arch.patch) ** 2
    embed = patches * width * arch.channels * arch.patch**2
    block = tokens * (4 * width**2 + 2 * tokens * width + 2 * width * arch.hidden)
    return 2 * images * (embed + arch.depth * block + width * arch.classes)


@without_gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_estimate_is_reading_and_the_longer_of_arithmetic_and_launches(precision, monkeypatch):
    plan = recipe(batch=32, precision=precision)
    step = step_time(plan, CPU)
    assert step.flops == pytest.approx(3 * forward_flops(plan.arch, 32), rel=0.01)
    assert step.estimated
    assert step.images == 32
    assert 0 < step.reading < step.here
    assert step.gpu == pytest.approx(step.reading + 2 * PER_BLOCK)
    monkeypatch.setitem(GPU_RATE, precision, 1e6)  # slow enough to be what counts
    step = step_time(plan, CPU)
    assert step.gpu == pytest.approx(step.reading + step.flops / 1e6)


def test_large_steps_are_timed_with_fewer_images(monkeypatch):
    plan = recipe(batch=64)
    each = 3 * forward_flops(plan.arch, 1)
    monkeypatch.setattr(module, "_TIMED", 5.5 * each)
    step = step_time(plan, CPU)
    assert step.images == 5
    assert step.flops == pytest.approx(64 * each, rel=0.01)
    monkeypatch.setattr(module, "_TIMED", 0.1 * each)
    assert step_time(plan, CPU).images == 1


def test_images_of_a_folder_are_files_that_are_decoded():
    arch = {"image_size": 64, "patch": 16, "channels": 3}
    files, arrays = (
        step_time(recipe(batch=8, arch=arch, data=data), CPU) for data in ("folder:x", "npz:x")
    )
    assert files.reading > 3 * arrays.reading  # 500 x 375 pixels to decode, against none


def test_nothing_of_the_networks_is_drawn_from_the_global_generator():
    before = torch.get_rng_state()
    step_time(recipe(batch=8), CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert build(recipe().arch).training


@without_gpu
@pytest.mark.parametrize("make", [texts.classes, texts.masked])
def test_text_is_timed_without_its_data_and_its_files(make):
    arch = {"vocabulary": 900, "positions": 64}
    plan = make(data="glue:nosuch", start_from="nosuch.pt", arch=arch, batch=8)
    step = step_time(plan, CPU)
    tokens, asked = (64, 10) if plan.masked else (26, 0)
    block = tokens * 2 * (4 * 16**2 + 2 * tokens * 16 + 2 * 16 * 32)
    head = asked * 2 * (16**2 + 16 * 900) if plan.masked else 2 * (16**2 + 16 * 2)
    assert step.flops == pytest.approx(3 * 8 * (block + head), rel=0.02)
    assert step.images == 8
    assert 0 < step.reading < step.here
