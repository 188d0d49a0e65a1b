"""Threads follow from the work of a step; only those of a large one depend on the machine."""

import pytest
import torch

from acn_eval.models import build, read_arch
from acn_eval.training.threads import fitting_threads, forward_flops
from tests.tiny import recipe


@pytest.fixture
def network():
    return build(recipe().arch)


@pytest.mark.parametrize(
    ("work", "given", "threads"),
    [(work, given, n) for work, n in [(1e9, 1), (5e9, 2)] for given in (1, 3, 8)]
    + [(1e11, given, n) for given, n in [(1, 2), (2, 2), (3, 3), (8, 4)]],
)
def test_only_the_threads_of_large_steps_depend_on_those_that_torch_has(
    network, work, given, threads
):
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


TEXT = {"kind": "bert", "depth": 12, "positions": 32}


@pytest.mark.parametrize("arch", [recipe().arch, read_arch(TEXT, "test")], ids=["vit", "bert"])
def test_work_is_that_of_the_matrix_products(arch):
    """Embedding and head see fewer tokens than is counted, norms and biases no product at all."""
    from torch.utils.flop_counter import FlopCounterMode

    network = build(arch)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(arch.blank(7))
    assert forward_flops(network, 7) == pytest.approx(counter.get_total_flops(), rel=0.2)
