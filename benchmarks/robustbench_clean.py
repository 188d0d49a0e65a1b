"""Right answers on clean CIFAR-10 beside RobustBench's, for the same weights and images.

    python -m venv ENV
    ENV/bin/pip install robustbench 'setuptools<81'
    ACN_EVAL_DATA=DATA python benchmarks/robustbench_clean.py --robustbench ENV/bin/python

RobustBench has an environment of its own, because its dependencies are pinned; it needs gigabytes.
The shipped Mixers of CIFAR-10, and a random timm ResNet-18 whose last layer is fitted by least
squares, count right answers on all 10,000 test images in fp32. Here a robustness suite counts
them; there `robustbench.utils.clean_accuracy` does, on what `robustbench.data.load_cifar10` reads
of the same folder, with traces of the networks, normalization included. The script prints both
counts, and fails where they differ by more than the predictions that batches flip here.
Some minutes on two cores.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from acn_eval.checkpoints import Checkpoint

SHIPPED = ("cifar10/ac_mixer.pt", "cifar10/res_mixer.pt")
MEAN, STD = (0.491, 0.482, 0.447), (0.247, 0.243, 0.262)
FITTED = 2000  # training images
BATCH = 100


class Prepared(nn.Module):
    """A network that normalizes its input, as RobustBench's do."""

    def __init__(self, checkpoint: "Checkpoint") -> None:
        super().__init__()
        self.prepare: Any = checkpoint.prepare
        self.model: Any = checkpoint.model

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, 3, 32, 32) in [0, 1]."""
        logits: Tensor = self.model(self.prepare.normalize(images))
        return logits


def networks() -> "list[Checkpoint]":
    from acn_eval.checkpoints import load

    return [*(load(uri) for uri in SHIPPED), resnet()]


def resnet() -> "Checkpoint":
    import numpy as np
    import timm

    from acn_eval.checkpoints import from_module
    from acn_eval.data import Geometry, PrepareImages, open_examples

    with torch.random.fork_rng():
        torch.set_rng_state(torch.Generator().manual_seed(0).get_state())
        module: Any = timm.create_model("resnet18", num_classes=10).eval()
    prepare, examples = (
        PrepareImages(Geometry(32, 3), MEAN, STD),
        open_examples("cifar10", "train"),
    )
    pixels = examples.read(np.arange(FITTED), prepare.spec).to(torch.float32) / 255
    wanted = torch.eye(10)[torch.from_numpy(examples.labels[:FITTED])]
    with torch.no_grad():
        found = module.forward_head(
            module.forward_features(prepare.normalize(pixels)), pre_logits=True
        )
        ones = torch.ones(FITTED, 1)
        ridge = 1e-3 * torch.eye(found.shape[1] + 1)
        known = torch.cat([found, ones], 1)
        solved = torch.linalg.solve(known.T @ known + ridge, known.T @ wanted)
        module.fc.weight.copy_(solved[:-1].T)
        module.fc.bias.copy_(solved[-1])
    classes = examples.classes
    return from_module(module, name="resnet18", classes=classes, prepare=prepare, data="cifar10")


def counted(found: "list[Checkpoint]") -> dict[str, tuple[int, int]]:
    """Right answers on clean images, and predictions that depend on the batch, by name."""
    from acn_eval.corruptions import Gaussian
    from acn_eval.evaluation import DataSelection, evaluate
    from acn_eval.studies.robustness.suite import Robustness

    suite = Robustness(name="clean", corruptions=(Gaussian(levels=(0.1,)),))
    results = evaluate(found, suite, DataSelection("cifar10"))
    return {
        r.checkpoint.name: (int(r.cells[0].values.sum()), int(r.certificate["batch_flips"]))
        for r in results
    }


def judge(folder: Path, data: Path) -> None:
    """Be RobustBench: print the counts as JSON."""
    # The package of its attacks is not installed with it, and clean accuracy needs none.
    sys.modules["autoattack"] = types.SimpleNamespace(AutoAttack=None)  # type: ignore[assignment]
    sys.modules["autoattack.state"] = types.SimpleNamespace(EvaluationState=None)  # type: ignore[assignment]
    from robustbench.data import load_cifar10
    from robustbench.utils import clean_accuracy

    images, labels = load_cifar10(10_000, data_dir=str(data))
    counts = {}
    for file in sorted(folder.glob("*.pt")):
        share = clean_accuracy(torch.jit.load(file), images, labels, batch_size=BATCH)
        counts[file.stem] = round(share * len(labels))
    print(json.dumps(counts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--robustbench", help="Python of the environment that has RobustBench")
    parser.add_argument("--judge", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.judge:
        judge(*options.judge)
        return
    from acn_eval.data import data_root

    found = networks()
    with tempfile.TemporaryDirectory() as folder:
        for own in found:
            with torch.no_grad():
                traced = torch.jit.trace(Prepared(own).eval(), torch.rand(BATCH, 3, 32, 32))
            traced.save(f"{folder}/{own.id.name}.pt")
        command = [options.robustbench, "-W", "ignore", __file__, "--judge", folder, data_root()]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = json.loads(said.splitlines()[-1])
    ours = counted(found)
    for name, (right, flips) in ours.items():
        print(f"{name:18} here {right:5d}, RobustBench {theirs[name]:5d} of 10,000")
        assert abs(right - theirs[name]) <= flips, name


if __name__ == "__main__":
    main()
