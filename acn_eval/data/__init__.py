"""Examples: labelled pictures from the embedded digits, CIFAR-10, arrays and folders."""

from acn_eval.data.examples import Examples, number_of
from acn_eval.data.framing import Framing
from acn_eval.data.geometry import Geometry
from acn_eval.data.open import DATA_ROOT, channel_moments, data_root, open_examples
from acn_eval.data.splits import Split
from acn_eval.data.subsets import STREAM, Draw, Subset, decoded
from acn_eval.data.tasks import TASK_STREAM, Tasks
from acn_eval.data.torchvision_hub import torchvision_module

__all__ = [
    "DATA_ROOT",
    "STREAM",
    "TASK_STREAM",
    "Draw",
    "Examples",
    "Framing",
    "Geometry",
    "Split",
    "Subset",
    "Tasks",
    "channel_moments",
    "data_root",
    "decoded",
    "number_of",
    "open_examples",
    "torchvision_module",
]
