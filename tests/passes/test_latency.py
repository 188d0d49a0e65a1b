"""Latency with a clock that the test turns."""

import numpy as np
import pytest
import torch
from torch import nn

from acn_eval.passes.latency import Latency, latency

IMAGES = torch.zeros(4, 1, 8, 8)


class Slow:
    """A network whose every run takes the next of some durations, the first an age."""

    def __init__(self, *seconds):
        self.seconds = seconds
        self.now, self.runs, self.shapes = 0.0, 0, []

    def __call__(self, images):
        run = self.runs - 3
        self.now += self.seconds[run % len(self.seconds)] if self.runs else 1000.0
        self.runs += 1
        self.shapes.append(tuple(images.shape))
        return images

    def clock(self):
        return self.now


def timed(network, seconds):
    return latency(network, IMAGES, "fp32", seconds=seconds, clock=network.clock)


def test_median_and_95th_percentile_of_warm_runs():
    durations = [0.001 * k for k in (1, 9, 3, 7, 5, 2, 8, 4, 6, 100)]
    found = timed(Slow(*durations), 0.0)
    in_ms = 1000 * np.array(durations)
    assert found == Latency(
        batch=4,
        median_ms=pytest.approx(5.5),
        p95_ms=pytest.approx(np.percentile(in_ms, 95)),
        runs=10,
    )


@pytest.mark.parametrize(
    ("duration", "seconds", "runs"),
    [
        (0.09, 0.5, 10),  # ten at least
        (0.01, 0.195, 20),  # for about so long
        (0.01, 0.205, 21),
        (0.0001, 5.0, 100),  # a hundred at most
    ],
)
def test_so_many_runs(duration, seconds, runs):
    network = Slow(duration)
    found = timed(network, seconds)
    assert found.runs == runs
    assert network.runs == 3 + runs
    assert set(network.shapes) == {(4, 1, 8, 8)}


@pytest.mark.parametrize(("duration", "runs"), [(5.0, 3), (0.3, 4)])
def test_a_slow_network_is_timed_for_a_second_or_three_runs(duration, runs):
    network = Slow(duration)
    assert timed(network, 0.05).runs == runs
    assert network.runs == 2 + runs


def test_it_runs_without_gradients_in_the_precision_in_force(device):
    seen = []

    class Watched(nn.Linear):
        def forward(self, x):
            out = super().forward(x)
            seen.append((out.dtype, torch.is_grad_enabled()))
            return out

    network = Watched(8, 2).to(device)
    for numeric, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        seen.clear()
        found = latency(network, IMAGES.to(device), numeric, seconds=0.0)
        assert set(seen) == {(dtype, False)}
        assert 0 < found.median_ms <= found.p95_ms


def test_a_real_clock_sees_that_more_work_takes_longer(device):
    """A hundred times the work: no busy machine hides it."""
    small, large = (torch.zeros(n, n, device=device) for n in (32, 1024))
    times = [latency(lambda x: x @ x, x, "fp32", seconds=0.05).median_ms for x in (small, large)]
    assert times[1] > 3 * times[0]
