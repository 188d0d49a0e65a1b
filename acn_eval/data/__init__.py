"""Examples: labeled images and sentences, those that are embedded, known ones, and your own."""

from acn_eval.data.cifar import torchvision_module
from acn_eval.data.encoded import EncodedImages
from acn_eval.data.examples import Examples, Split, listed_classes, number_of
from acn_eval.data.folder import FileImages
from acn_eval.data.framing import Framing
from acn_eval.data.geometry import Geometry, PrepareImages, border_of, unit_range
from acn_eval.data.images import ArrayImages, decoded
from acn_eval.data.open import DATA_ROOT, channel_moments, data_root, open_examples
from acn_eval.data.sentences import Sentences, SentenceSpec

__all__ = [
    "DATA_ROOT",
    "ArrayImages",
    "EncodedImages",
    "Examples",
    "FileImages",
    "Framing",
    "Geometry",
    "PrepareImages",
    "SentenceSpec",
    "Sentences",
    "Split",
    "border_of",
    "channel_moments",
    "data_root",
    "decoded",
    "listed_classes",
    "number_of",
    "open_examples",
    "torchvision_module",
    "unit_range",
]
