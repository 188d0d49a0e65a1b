"""The profile states how a forward pass is rounded; the default batch follows from cost alone."""

from dataclasses import fields, replace

import pytest
import torch

from acn_eval.inference import NumericProfile, Runtime, fitting_batch

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("flops", "size"),
    [(0, 256), (19 * 10**6, 256), (20 * 10**6, 128), (39 * 10**6, 128), (40 * 10**6, 64)],
)
def test_the_default_batch_follows_from_the_cost_of_a_network(flops, size):
    assert fitting_batch(flops, CPU) == size
    assert fitting_batch(10**12, CPU) == 64
    assert fitting_batch(flops, torch.device("cuda")) == 256


def test_a_stated_batch_is_taken_as_it_is(store):
    assert Runtime(CPU, store=store).profile("fp32", 10**9).batch_size == 64
    assert Runtime(CPU, 7, store=store).profile("fp32", 10**9).batch_size == 7
    assert Runtime(CPU, 7, store=store).batches(10**9).size == 7


def test_it_is_what_torch_states_of_this_process():
    here = NumericProfile.here(CPU, "bf16", 32)
    assert (here.device, here.precision, here.batch_size) == ("cpu", "bf16", 32)
    assert (here.threads, here.version) == (torch.get_num_threads(), torch.__version__)
    assert torch.backends.cpu.get_cpu_capability() in here.hardware
    named = {field.name for field in fields(NumericProfile)}
    assert here.facts().keys() == named - {"settings"}


def test_threads_are_those_of_now():
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        more = NumericProfile.here(CPU, "fp32", 32)
    finally:
        torch.set_num_threads(before)
    assert more == replace(NumericProfile.here(CPU, "fp32", 32), threads=before + 1)
