"""From data of one's own to the files of a study: a pair of recipes, a suite and a gate."""

import math
from dataclasses import dataclass
from pathlib import Path

from acn_eval import atomic
from acn_eval.data import Examples, open_examples
from acn_eval.data.geometry import Geometry
from acn_eval.data.sizes import Sizes, sizes_of
from acn_eval.errors import ConfigError
from acn_eval.statistics.power import mde_examples
from acn_eval.training.fitted import Fitted

__all__ = ["Found", "Study", "begin"]

_DISCORDANCE = (
    0.06  # images on which one of two networks alone is right: two trainings of one kind
)
_FINEST, _WIDEST = 0.01, 0.5  # margins that a gate takes
_SUITE = """\
# How robust is each twin to noise? Noise of the ACN paper's Table 2, on pixels in [0, 1].
kind: robustness
name: robustness
description: Accuracy under Gaussian and salt-and-pepper noise
equivalence_margin: {margin}  # a tie is a difference within this: what {n:,} test images can show
corruptions:
  - {{kind: gaussian, levels: [0.1, 0.2, 0.4]}}
  - {{kind: salt_pepper, levels: [0.01, 0.05, 0.1]}}
"""
_GATE = """\
# May the candidate replace its baseline? Margins are fractions of 1: 0.03 is 3 points.
kind: gate
name: gate
description: Not worse than the baseline, by margins that {n:,} images can support
suite: robustness.yaml
# {n:,} images show the first two where the networks differ on 6 % of them: `acn-eval plan`.
margins:
  primary: {margin}  # mean accuracy under noise
  clean: {margin}    # accuracy on clean images
  cell: {cell}     # any single condition
"""


@dataclass(frozen=True)
class Found:
    """What a data set holds, split by split.

    Attributes:
        train, validation, test: its splits.
        sizes: of the training images.
    """

    train: Examples
    validation: Examples
    test: Examples
    sizes: Sizes


@dataclass(frozen=True)
class Study:
    """What was found, what was chosen for it, and the files that were written, by their role."""

    found: Found
    fitted: Fitted
    margin: float
    acn: Path
    residual: Path
    suite: Path
    gate: Path


def begin(data: str, out: Path, root: Path | None = None, steps: int | None = None) -> Study:
    """Write two recipes, a suite and a gate that fit a data set of images.

    Args:
        data: what `open_examples` takes; it must have a train split and a test split.
        out: folder of the files, none of which may be there.
        root: see `acn_eval.data.data_root`.
        steps: of both trainings, in place of as many as fit the data.

    Raises:
        DataError: the data is not there, or lacks a split.
        ConfigError: it holds something else than images, fewer than two classes or no test
            images, or a file is there.
    """
    found = _found(data, root)
    n = len(found.test)
    margin = min(max(math.ceil(100 * mde_examples(n, _DISCORDANCE)) / 100, _FINEST), _WIDEST)
    fitted = Fitted(data, len(found.train), len(found.train.classes), found.sizes, steps)
    names = ("ac_vit.yaml", "res_vit.yaml", "robustness.yaml", "gate.yaml")
    acn, residual, suite, gate = (out / name for name in names)
    texts = {
        acn: fitted.recipe("acn", "res_vit.pt"),
        residual: fitted.recipe("residual", "ac_vit.pt"),
        suite: _SUITE.format(margin=margin, n=n),
        gate: _GATE.format(margin=margin, n=n, cell=round(min(3 * margin, _WIDEST), 2)),
    }
    for path in texts:
        if path.exists():
            msg = f"{path}: must not be there; what is written is never replaced"
            raise ConfigError(f"{msg}. Choose another `out`.", "out")
    for path, text in texts.items():
        atomic.write(path, text)
    return Study(found, fitted, margin, acn, residual, suite, gate)


def _found(data: str, root: Path | None) -> Found:
    train = open_examples(data, "train", root)
    if train.inputs.modality != Geometry.modality:
        what = f"{data}: must hold images; got {train.inputs.modality}"
        raise ConfigError(f"{what}. Copy a recipe of checkpoints/text, see docs/text.md.")
    test = open_examples(data, "test", root)
    if len(train.classes) < 2 or not len(test):
        got = f"{len(train.classes)} and {len(test)}"
        raise ConfigError(f"{data}: must have two classes or more, and test images; got {got}")
    validation = open_examples(data, "validation", root)
    return Found(train, validation.labeled_as(train), test.labeled_as(train), sizes_of(train))
