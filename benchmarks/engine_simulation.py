"""Where the driver of an engine saturates, and what ImageNet takes on eight GPUs.

    python benchmarks/engine_simulation.py [saturation] [imagenet] [check]
                                           [--examples 100000] [--workers 1 2]

saturation  The cost of units and of the driver is measured on a few images of the shipped pair,
            with one thread, three times, of which the quietest counts; then a run on many more is
            simulated for 1 to 256 workers, with the tasks that acn-eval cuts, and with tasks of
            other sizes.
imagenet    50,000 images under 7 conditions and ViT-B/16 on 1 to 8 GPUs, from the constants
            below. Decoding and hashing are measured here, on JPEGs of ImageNet's mean size; what a
            GPU does is assumed, and marked so.
check       The shipped pair and its other seeds under the robustness suite on engine `processes`:
            what the simulation predicts, and what it takes, with workers that are warm.

Tables are those of docs/scale.md.
"""

import argparse
import io
import math
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from machine import facts
from PIL import Image

from acn_eval import DataSelection, RunOptions, evaluation, workflow
from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Geometry
from acn_eval.data.decoding import decode
from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.protocol import pieces_for
from acn_eval.engine.simulation import Load, saturation, wall
from acn_eval.engine.start import engine_of
from acn_eval.inference import Runtime, resolve_device
from acn_eval.inputs import content_hash
from acn_eval.study.run import measured
from acn_eval.training.step_time import GPU_RATE
from acn_eval.workflow.planning import Plan, doubled

PAIR = ("ac_vit.pt", "res_vit.pt")
SEVERAL = (*PAIR, "seeds/ac_vit_*.pt", "seeds/res_vit_*.pt")
CHUNKS = (128, 512, 2048, 8192, 32768)
MOST = 256
LOOKS = 3
IMAGES, CONDITIONS, CHUNK = 50_000, 7, 1024
PIXELS = (500, 375)
FLOPS = 35.2e9  # of ViT-B/16 at 224 pixels: 17.6e9 multiply-adds
PARAMETERS = 86.6e6
ASSUMED = {
    "GPU, bf16 (FLOP/s)": GPU_RATE["bf16"],
    "upload (bytes/s)": 2e10,
    "GPU's own memory (bytes/s)": 1.5e12,
    "network to a worker (bytes/s)": 1e9,
}
SHOWN = 3 * 224 * 224  # bytes
DISPATCH = 20e-3  # seconds of the driver for a task, as `saturation` measures it
PHILOX = 85  # passes over 4-byte integers for one noise of one image, see docs/performance.md


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["saturation", "imagenet"])
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    print(facts())
    if "saturation" in given.what:
        show_saturation(given.examples)
    if "imagenet" in given.what:
        show_imagenet()
    if "check" in given.what:
        check(given.workers)


def asked(checkpoints: tuple[str, ...]) -> RunOptions:
    engine, data = EngineChoice("processes", MOST, 1), DataSelection("digits")
    return RunOptions(checkpoints, (), data=data, device="cpu", engine=engine)


def show_saturation(n: int) -> None:
    plan = min(
        (workflow.plan_of(asked(PAIR), n) for _ in range(LOOKS)),
        key=lambda own: own.sending + own.hashing,
    )
    each, price = plan.returned / len(plan.units), plan.price
    print(
        f"\n{n:,} images: {len(plan.units):,} units of {each:,.0f} bytes in {plan.bundles} bundles"
    )
    print(
        f"an image under all conditions {1e3 * price.seconds:.2f} ms; driver: a task "
        f"{1e3 * plan.sending:.2f} ms, hashing an image {1e6 * plan.hashing:.1f} us"
    )
    print("\n| workers | tasks | wall time | speed-up | driver busy |\n|---:|---:|---:|---:|---:|")
    found = [plan.on(workers) for workers in doubled(MOST)]
    for own in found:
        gain = found[0].seconds / own.seconds
        print(
            f"| {own.workers} | {own.tasks:,} | {own.seconds:,.1f} s | {gain:.1f} "
            f"| {own.driver:.0%} |"
        )
    print(f"\nthe driver keeps {found[0].most:,.0f} workers busy (one task per bundle)")
    counts = (4, 16, 64, 256)
    print(
        f"\n| images per task | {' | '.join(f'{c} workers' for c in counts)} | driver keeps busy |"
    )
    print("|---:|" + "---:|" * (len(counts) + 1))
    for size in CHUNKS:
        tasks = sized(plan, n, size)
        walls = " | ".join(f"{wall(tasks, count):,.1f} s" for count in counts)
        print(f"| {size:,} | {walls} | {saturation(tasks):,.0f} |")


def sized(plan: Plan, n: int, size: int) -> list[Load]:
    """Tasks of so many images under all conditions."""
    work = plan.price.seconds - plan.hashing
    sizes = [min(size, n - start) for start in range(0, n, size)]
    return [Load(plan.sending + plan.hashing * own, work * own) for own in sizes]


def show_imagenet() -> None:
    decoding, hashing, length = measured_decoding()
    rate, upload, memory, network = ASSUMED.values()
    print(f"\nmeasured here, one core: decode and resize {1e3 * decoding:.2f} ms, ", end="")
    print(f"hash {1e6 * hashing:.0f} us, JPEG of {length / 1e3:.0f} kB")
    print("assumed: " + "; ".join(f"{name} {value:.3g}" for name, value in ASSUMED.items()))
    forward, noise = FLOPS / rate, PHILOX * 4 * SHOWN / memory
    print(f"a forward pass {1e3 * forward:.2f} ms, a noise {1e6 * noise:.0f} us, both assumed\n")
    columns = ("networks", "GPUs", "tasks", "GPU work", "decoded by the worker")
    print(f"| {' | '.join(columns)} | decoded beside it | cores per GPU |")
    print("|---:" * 7 + "|")
    for networks, gpus in product((1, 10), (1, 2, 4, 8)):
        own = CONDITIONS * networks * forward + (CONDITIONS - 1) * noise + SHOWN / upload
        bundles = math.ceil(IMAGES / CHUNK)
        pieces, images = pieces_for(bundles, gpus), IMAGES / bundles
        driver = images * hashing / pieces + DISPATCH
        alone, beside = (
            networks * 4 * PARAMETERS / network
            + wall([Load(driver, images * (own / pieces + read))] * bundles * pieces, gpus)
            for read in (decoding, 0.0)
        )
        cores = decoding * pieces / own
        print(
            f"| {networks} | {gpus} | {bundles * pieces} | {IMAGES * own:,.0f} s | {alone:,.0f} s "
            f"| {beside:,.0f} s | {cores:.1f} |"
        )


def measured_decoding() -> tuple[float, float, int]:
    """Seconds to decode and to hash one JPEG with content like a photo, and its bytes."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (PIXELS[1] // 4, PIXELS[0] // 4, 3), np.uint8)
    picture = Image.fromarray(coarse).resize(PIXELS, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    content, spec, looks = file.getvalue(), Geometry(224, 3), 100
    begin = time.process_time()
    for _ in range(looks):
        spec(decode(content, "benchmark"))
    middle = time.process_time()
    for _ in range(looks):
        content_hash(content)
    end = time.process_time()
    return (middle - begin) / looks, (end - middle) / looks, len(content)


def check(counts: Sequence[int]) -> None:
    options = asked(SEVERAL)
    networks = workflow.resolve(options).candidates
    print("\n| workers | predicted | measured | measured / predicted |\n|---:|---:|---:|---:|")
    for count in counts:
        predicted, found = workflow.plan_of(options).on(count).seconds, taken(networks, count)
        print(f"| {count} | {predicted:.1f} s | {found:.1f} s | {found / predicted:.2f} |")


def taken(networks: Sequence[Checkpoint], workers: int) -> float:
    """Seconds of the units on warm workers of engine `processes`."""
    device, data = resolve_device("cpu"), DataSelection("digits")
    choice = EngineChoice("processes", workers, 1)
    with tempfile.TemporaryDirectory() as folder, engine_of(choice, device) as engine:
        store = OutcomeCache(Path(folder), readable=False)
        runtime = Runtime(device, store=store, threads=1, engine=engine)
        study = evaluation.ask(networks, "robustness", data, seed=0, runtime=runtime)
        for _ in range(2):  # the first run starts the workers
            begin = time.perf_counter()
            measured(study.units(), runtime)
        return time.perf_counter() - begin


if __name__ == "__main__":
    main()
