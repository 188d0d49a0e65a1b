"""Memory stays flat in the number of images, with the allocation of a command."""

import subprocess
import sys
from pathlib import Path

CODE = """
import resource, sys
from pathlib import Path
from acn_eval.allocation import keep_freed_memory
keep_freed_memory()
import numpy as np, torch
from acn_eval.checkpoints import from_module
from acn_eval.corruptions import Gaussian
from acn_eval.data import Examples, Geometry, PrepareImages
from acn_eval import evaluation
from acn_eval.study import request
from acn_eval.cache import OutcomeCache
from acn_eval.inference import Runtime
from acn_eval.studies.robustness.suite import Robustness

SIDE = 32

class Generated:
    modality = "images"
    def read(self, positions, spec):
        images = np.resize((positions % 251).astype(np.uint8), (3, SIDE, SIDE, len(positions)))
        return torch.from_numpy(images).permute(3, 0, 1, 2).contiguous()
    def hashes(self, positions):
        return positions

def examples(n):
    ids = np.arange(n)
    return Examples("made", "test", ids, ids % 3, ("a", "b", "c"), Generated(), ids)

module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIDE * SIDE, 3))
prepare = PrepareImages(Geometry(SIDE, 3), (0.5,) * 3, (0.5,) * 3)
checkpoint = from_module(module, name="m", classes=("a", "b", "c"), prepare=prepare)
suite = Robustness(name="one", corruptions=(Gaussian(levels=(0.1,)),))
store = OutcomeCache(Path("store"))
runtime = Runtime(torch.device("cpu"), batch_size=64, precision="fp32", store=store)
for n in (2048, 20480):  # one chunk, and ten
    request.choose = lambda checkpoints, selection, split, **facts: examples(n)
    evaluation.evaluate([checkpoint], suite, runtime=runtime)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_ten_times_the_images_take_no_more_memory(tmp_path):
    """The pictures alone would be 60 MiB, as floats 240 MiB."""
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    few, many = map(int, done.stdout.split())
    assert many - few < 30, f"{few} MiB, then {many} MiB"
