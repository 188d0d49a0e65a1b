"""What a method adds to one training step, side by side in one process.

    python benchmarks/continual.py

The paper's Mixer of 5 blocks and 100 classes, in patches of 8, on random images, batch 64.
"""

import time
from collections.abc import Callable
from statistics import median

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from acn_eval.models import build, read_arch
from acn_eval.studies.continual.methods import EWC, SI
from acn_eval.studies.continual.regularizers import Elastic, Regularizer, Synaptic

ARCH = {
    "kind": "mixer",
    "connectivity": "acn",
    "depth": 5,
    "width": 128,
    "token_hidden": 64,
    "channel_hidden": 512,
    "pool": "mean",
    "image_size": 32,
    "patch": 8,
    "channels": 3,
    "classes": 100,
}
ROUNDS, WARM, RATE = 15, 3, 1e-3


def step_of(make: Callable[[nn.Module], Regularizer]) -> Callable[[], None]:
    random = torch.Generator().manual_seed(0)
    network = build(read_arch(ARCH, "benchmark"))
    guard = make(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, fused=True)
    images = torch.randn(64, 3, 32, 32, generator=random)
    labels = torch.randint(0, 100, (64,), generator=random)
    for p in network.parameters():
        p.grad = torch.zeros_like(p)

    def step() -> None:
        optimizer.zero_grad(set_to_none=False)
        cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
        guard.add_gradient()
        optimizer.step()
        guard.after_step()

    return step


def main() -> None:
    steps = {
        "naive": step_of(lambda network: Regularizer()),
        "si": step_of(lambda network: Synaptic(SI(), list(network.parameters()), RATE)),
        "ewc": step_of(lambda network: Elastic(EWC(), network)),
    }
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            begin = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - begin)
    base = 1e3 * median(times["naive"][WARM:])
    for name, own in times.items():
        middle = 1e3 * median(own[WARM:])
        print(f"{name:6s} {middle:6.1f} ms  {middle - base:+5.1f} ms  {middle / base:.2f} x")


if __name__ == "__main__":
    main()
