"""Cost of noise per image and level: ours, eager and compiled, beside skimage's `random_noise`.

    python benchmarks/noise_cost.py [--threads 1 2] [--batches 64 256] [--rounds 11] [--compiled]

All of the paper's six conditions on 3x32x32 images, in one process, in an order that rotates from
round to round: medians and ranges over the rounds, ratios taken round by round. One thread is
timed by its own CPU clock, which other programs of a busy machine do not stop; several threads by
the wall clock.
Ours draws once per image and corruption and makes each level's images in turn, as the engine
does; skimage draws anew for every image and level. Building the compiled code is counted apart,
and its pixels are checked to be those of the eager code.
"""

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from machine import facts
from skimage.util import random_noise
from torch import Tensor

from acn_eval.corruptions import Context, Gaussian, NoiseKey, SaltPepper
from acn_eval.corruptions.philox import uniform16

SHAPE = (3, 32, 32)
GAUSSIAN, SALT_PEPPER = Gaussian(), SaltPepper()
LEVELS = len(GAUSSIAN.levels) + len(SALT_PEPPER.levels)
KEY = NoiseKey(seed=17)


def eager(images: Tensor, ids: Tensor) -> Iterator[Tensor]:
    """Yield each condition's images through the public interface."""
    for noise in (GAUSSIAN, SALT_PEPPER):
        draw = noise.draw(images.shape, ids, KEY)
        for level in noise.levels:
            yield noise.corrupt(images, draw, level, Context())


class Compiled:
    """The same with the draw compiled.

    Only the draw: compiled, the table look-up takes three times its eager time, because the
    generated code checks the bounds of every index by itself.
    """

    def __init__(self) -> None:
        self.uniform16 = torch.compile(uniform16, fullgraph=True)

    def __call__(self, images: Tensor, ids: Tensor) -> Iterator[Tensor]:
        """Yield each condition's images."""
        for noise, planes in ((GAUSSIAN, 3), (SALT_PEPPER, 1)):
            draw = self.uniform16(ids, planes * 1024, KEY.words(noise.stream))
            for level in noise.levels:
                yield noise.corrupt(images, draw.view(-1, planes, 32, 32), level, Context())


def skimage(images: list[np.ndarray], rng: np.random.Generator) -> None:
    """Corrupt (H, W, C) images one by one; results are dropped, as ours are."""
    for image in images:
        for sigma in GAUSSIAN.levels:
            random_noise(image, "gaussian", rng=rng, var=sigma**2)
        for amount in SALT_PEPPER.levels:
            random_noise(image, "s&p", rng=rng, amount=amount)


def seconds(job: Callable[[], object]) -> float:
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    job()
    return clock() - start


def drain(conditions: Iterator[Tensor]) -> None:
    for _ in conditions:
        pass


def start_up(compiled: Compiled) -> float:
    """Build the draw for batches of any size; return the seconds it took."""
    start = time.perf_counter()
    for batch in (64, 80, 96):
        images, ids = torch.rand(batch, *SHAPE, generator=torch.Generator()), torch.arange(batch)
        for one, other in zip(compiled(images, ids), eager(images, ids), strict=True):
            if not torch.equal(one, other):
                msg = "compiled code must give the bits of eager code"
                raise AssertionError(msg)
    return time.perf_counter() - start


def measure(batch: int, rounds: int, compiled: Compiled | None) -> dict[str, np.ndarray]:
    """Microseconds per image and level of each contestant: (rounds,)."""
    images = torch.rand(batch, *SHAPE, generator=torch.Generator())
    ids = torch.arange(batch)
    # One by one, a few images are as telling as the batch, and the round stays short.
    arrays = [np.ascontiguousarray(image) for image in images[:16].permute(0, 2, 3, 1).numpy()]
    rng = np.random.default_rng(0)
    jobs = {"skimage": lambda: skimage(arrays, rng), "eager": lambda: drain(eager(images, ids))}
    if compiled is not None:
        jobs["compiled"] = lambda: drain(compiled(images, ids))
    sizes, names = {"skimage": len(arrays)}, list(jobs)
    for name in names:
        jobs[name]()
    taken = {name: np.empty(rounds) for name in names}
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            each = 1e6 / sizes.get(name, batch) / LEVELS
            taken[name][turn] = seconds(jobs[name]) * each
    return taken


def shown(values: np.ndarray, digits: int) -> str:
    return f"{np.median(values):.{digits}f} [{values.min():.{digits}f}, {values.max():.{digits}f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--compiled", action="store_true", help="also with the draw compiled")
    args = parser.parse_args()
    print(f"{facts()}\n3x32x32, us per image and level, {args.rounds} rounds")
    for threads in args.threads:
        torch.set_num_threads(threads)
        torch.compiler.reset()
        compiled = Compiled() if args.compiled else None
        if compiled is not None:
            print(f"{threads} thread(s): compiling took {start_up(compiled):.0f} s")
        for batch in args.batches:
            taken = measure(batch, args.rounds, compiled)
            for name, values in taken.items():
                print(
                    f"{threads} thread(s), batch {batch:3d}, {name:8s} {shown(values, 1)}"
                    f"  {shown(values / taken['skimage'], 3)} x skimage"
                )


if __name__ == "__main__":
    main()
