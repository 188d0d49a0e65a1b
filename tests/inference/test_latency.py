"""Latency with a clock that the test turns."""

import numpy as np
import pytest
import torch
from torch import nn

from acn_eval.inference.latency import Latency, Timed, latencies, latency

IMAGES = torch.zeros(4, 1, 8, 8)


WARM, LEAST = 3, 10
ROUND = WARM + LEAST


class Slow:
    """A network whose runs take these seconds, by number of the run."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.now, self.runs, self.shapes = 0.0, 0, []

    def __call__(self, images):
        self.now += self.seconds(self.runs)
        self.runs += 1
        self.shapes.append(tuple(images.shape))
        return images

    def clock(self):
        return self.now


def timed(network, seconds=0.0):
    return latency(network, IMAGES, "fp32", seconds=seconds, clock=network.clock)


def cold_at_first(durations):
    return lambda run: 1000.0 if run % ROUND == 0 else durations[run % ROUND - WARM]


def test_median_and_95th_percentile_of_warm_runs_of_two_rounds():
    durations = [0.001 * k for k in (1, 9, 3, 7, 5, 2, 8, 4, 6, 10)]
    found = timed(Slow(cold_at_first(durations)))
    in_ms = 1000 * np.array(durations * 2)
    assert found == Latency(
        batch=4,
        median_ms=pytest.approx(5.5),
        p95_ms=pytest.approx(np.percentile(in_ms, 95)),
        runs=20,
    )


@pytest.mark.parametrize(
    ("duration", "seconds", "runs"),
    [
        (0.09, 0.5, 10),  # ten a round at least
        (0.01, 0.39, 20),  # for about so long, half of it in each round
        (0.01, 0.41, 21),
        (0.0001, 5.0, 100),  # a hundred a round at most
    ],
)
def test_so_many_runs(duration, seconds, runs):
    network = Slow(lambda run: duration)
    found = timed(network, seconds)
    assert found.runs == 2 * runs
    assert network.runs == 2 * (WARM + runs)
    assert set(network.shapes) == {(4, 1, 8, 8)}


@pytest.mark.parametrize(("duration", "runs"), [(5.0, 3), (0.12, 5)])
def test_a_slow_network_is_timed_for_half_a_second_a_round_or_three_runs(duration, runs):
    network = Slow(lambda run: duration)
    assert timed(network, 0.05).runs == 2 * runs
    assert network.runs == 2 * (2 + runs)


def test_a_disturbed_round_is_repeated_and_left_out():
    """Another program makes the second round fifty times slower."""
    network = Slow(lambda run: 0.05 if ROUND <= run < 2 * ROUND else 0.001)
    found = timed(network)
    assert network.runs == 3 * ROUND
    assert (found.median_ms, found.runs, found.steady) == (pytest.approx(1.0), 20, True)


def test_times_that_never_agree_are_marked_unusable():
    network = Slow(lambda run: 0.001 * 2 ** (run // ROUND))
    found = timed(network)
    assert network.runs == 4 * ROUND
    assert not found.steady
    assert found.median_ms == pytest.approx(1.0)


def test_a_disturbance_meets_a_round_and_not_a_network():
    """Two networks in turn: one disturbance of both their first rounds leaves no trace."""
    busy = {0, 1}
    calls = []

    def seconds(run):
        number = len(calls) // ROUND
        calls.append(run)
        return 0.05 if number in busy else 0.001

    clock = Slow(seconds)
    found = latencies([Timed(clock, IMAGES), Timed(clock, IMAGES)], "fp32", clock=clock.clock)
    assert [own.steady for own in found] == [True, True]
    assert [own.median_ms for own in found] == [pytest.approx(1.0)] * 2


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
