"""A checkpoint fine-tuned on few images, and then shown the test images."""

from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Examples
from acn_eval.inference import Runtime
from acn_eval.probes import FineTune
from acn_eval.studies.low_data.draws import Subset
from acn_eval.studies.low_data.suite import LowDataProbe
from acn_eval.study.fine_tuning import FineTunedUnit

__all__ = ["fine_tuning_on"]


def fine_tuning_on(
    checkpoint: Checkpoint,
    suite: LowDataProbe,
    subset: Subset,
    repeat: int,
    test: Examples,
    runtime: Runtime,
) -> FineTunedUnit:
    """Return the fine-tuning on a subset.

    The subset stands in for validation: it is looked at once, and selects nothing.
    """
    plan = FineTune(suite.steps, suite.batch, suite.learning_rate)
    splits = subset.examples, subset.examples
    return FineTunedUnit(checkpoint, plan, splits, test, repeat, runtime.device.type)
