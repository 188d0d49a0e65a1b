"""Examples: labeled images from the embedded digits, CIFAR-10, arrays and folders."""

from acn_eval.data.examples import ArrayImages, Examples, decoded, number_of
from acn_eval.data.folder import FileImages
from acn_eval.data.framing import Framing
from acn_eval.data.geometry import Geometry, unit_range
from acn_eval.data.open import DATA_ROOT, channel_moments, data_root, open_examples
from acn_eval.data.prepare import PrepareImages, border_of
from acn_eval.data.splits import Split
from acn_eval.data.torchvision_hub import torchvision_module

__all__ = [
    "DATA_ROOT",
    "ArrayImages",
    "Examples",
    "FileImages",
    "Framing",
    "Geometry",
    "PrepareImages",
    "Split",
    "border_of",
    "channel_moments",
    "data_root",
    "decoded",
    "number_of",
    "open_examples",
    "torchvision_module",
    "unit_range",
]
