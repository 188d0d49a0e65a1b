"""Threads follow from the work of a step, not from the machine."""

import pytest
import torch

from acn_eval.models import build
from acn_eval.training.threads import fitting_threads, forward_flops
from tests.tiny import recipe


@pytest.fixture
def network():
    return build(recipe().arch)


@pytest.mark.parametrize("given", [1, 3])
@pytest.mark.parametrize(("work", "threads"), [(1e9, 1), (5e9, 2), (1e11, 4)])
def test_threads_follow_from_the_work_alone(network, work, threads, given):
    before = torch.get_num_threads()
    torch.set_num_threads(given)
    try:
        with fitting_threads(network, round(work / forward_flops(network, 1))):
            assert torch.get_num_threads() == threads
        with pytest.raises(KeyboardInterrupt), fitting_threads(network, 1):
            raise KeyboardInterrupt
        assert torch.get_num_threads() == given
    finally:
        torch.set_num_threads(before)


def test_work_is_that_of_the_matrix_products(network):
    """Embedding and head see fewer tokens than is counted, norms and biases no product at all."""
    from torch.utils.flop_counter import FlopCounterMode

    arch = network.config
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(7, arch.channels, arch.image_size, arch.image_size))
    assert forward_flops(network, 7) == pytest.approx(counter.get_total_flops(), rel=0.2)
