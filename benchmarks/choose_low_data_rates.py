"""Choose the learning rates of a low-data suite on validation, with draws reported nowhere else.

    python benchmarks/choose_low_data_rates.py low_data --rates 1e-3,3e-3,1e-2

Trains both sides at every rate on draws from 100 on and prints the mean accuracy over draws and
sizes on the validation split; the test split is never opened.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.config_files import read_config
from acn_eval.inference import Runtime
from acn_eval.studies.low_data.suite import LowData, Side
from acn_eval.studies.low_data.trained import LowDataStudy
from acn_eval.study.request import DataSelection, Request
from acn_eval.study.run import run
from acn_eval.study.suite import suite_file

FIRST_DRAW = 100


def at_rate(side: Side, rate: float) -> Side:
    return Side(name=side.name, recipe=side.recipe.model_copy(update={"learning_rate": rate}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite")
    parser.add_argument("--rates", default="1e-3,3e-3,1e-2")
    parser.add_argument("--draws", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    suite = read_config(suite_file(options.suite), LowData, "a low-data suite")
    few = {"first_draw": FIRST_DRAW, "draws": options.draws, "repeats": 1}
    means: dict[str, dict[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        runtime = Runtime(torch.device("cpu"), store=OutcomeCache(Path(folder)))
        for rate in (float(text) for text in options.rates.split(",")):
            sides = {n: at_rate(getattr(suite, n), rate) for n in ("candidate", "baseline")}
            changed = suite.model_copy(update={**few, **sides})
            request = Request(changed, (), DataSelection(), runtime)
            found = run(LowDataStudy(request, "validation"), runtime)
            for results in (found[: options.draws], found[options.draws :]):
                cells = [c for r in results for c in r.cells if c.measure == "correct"]
                name = results[0].checkpoint.name.partition(" draw ")[0]
                means.setdefault(name, {})[rate] = float(np.mean([c.values for c in cells]))
            print(
                f"rate {rate:g}: "
                + ", ".join(f"{name} {100 * by[rate]:.2f} %" for name, by in means.items()),
                flush=True,
            )
    for name, by in means.items():
        print(f"{name}: best {max(by, key=lambda rate: by[rate]):g}, {options.draws} draws")


if __name__ == "__main__":
    main()
