"""Ready-made corrupted images, found by the ids of the clean ones: ImageNet-C and CIFAR-10-C.

Source: https://github.com/hendrycks/robustness, whose layouts other data sets took over.
"""

import hashlib
import os
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.data.decoding import content_of, decode
from acn_eval.data.examples import Examples
from acn_eval.data.folder import FileImages
from acn_eval.data.geometry import Geometry
from acn_eval.data.open import data_root, find_data
from acn_eval.engine.parcel import SentOnce
from acn_eval.errors import DAMAGED, DataError
from acn_eval.inputs import Place

__all__ = ["GivenImages"]

_SEVERITIES = 5
_UNREADABLE: tuple[type[Exception], ...] = (*DAMAGED, tokenize.TokenError)


@dataclass(frozen=True)
class GivenImages(SentOnce):
    """The corrupted images of a test set, as networks of one spec are shown them.

    Attributes:
        examples: all clean ones.
        spec: how they are shown.
        root: where data sets lie, see `acn_eval.data.data_root`.
    """

    examples: Examples
    spec: Geometry
    root: Path | None = None
    _reasons: dict[Place, str] = field(default_factory=dict, compare=False)
    _last: dict[tuple[Place, bytes], Tensor] = field(default_factory=dict, compare=False)
    _arrays: dict[Path, NDArray[Any]] = field(default_factory=dict, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what is remembered: another process reads it anew."""
        return type(self), (self.examples, self.spec, self.root)

    def why_not(self, place: Place) -> str:
        """Say what is missing, below the folder that the suite names; "" where nothing is.

        Raises:
            DataError: there is no such folder, an array is damaged, or its labels are not those of
                the examples.
        """
        if place not in self._reasons:  # every network asks, of some million files
            self._reasons[place] = self._why_not(place)
        return self._reasons[place]

    def _why_not(self, place: Place) -> str:
        base = find_data(Path(place.folder), self.root)
        if not os.path.isdir(base):
            what = f"must be a folder of corrupted images, here or in {data_root(self.root)}"
            raise DataError(f"{place.folder}: {what}; there is none")
        if self.examples.split != "test":
            return f"{place.folder} has images of test; got {self.examples.split} examples"
        if os.path.isfile(self._array_file(place)):
            return self._why_no_rows(place)
        if not os.path.isdir(self._folder(place)):
            return f"{place.folder} must hold {place.name}.npy or {place.name}/{place.level}"
        if not self._names:
            return "the clean images must be files in folders of classes, as of folder:PATH"
        folder = self._folder(place)
        gone = [name for name in self._names if not os.path.isfile(f"{folder}/{name}")]
        if not gone:
            return ""
        where = f"{place.folder}/{place.name}/{place.level}"
        return (
            f"{where} must hold all {len(self._names)} images; {len(gone)} are not, as {gone[0]}"
        )

    def stamp(self, place: Place, ids: Tensor) -> str:
        """Return a digest of names, sizes and times of change, which are read much faster."""
        digest = hashlib.sha256(repr(place).encode())
        for file in self._files(place, self._where(ids)):
            status = file.stat()
            digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns};".encode())
        return digest.hexdigest()

    def read(self, place: Place, ids: Tensor) -> Tensor:
        """Return float32 (n, channels, size, size) in [0, 1] on the device of the ids (n,).

        Raises:
            DataError: a file is no image.
        """
        key = place, ids.cpu().numpy().tobytes()
        if key not in self._last:  # several networks are shown one batch after another
            self._last.clear()
            self._last[key] = self._read(place, self._where(ids))
        return self.spec.upload(self._last[key], ids.device)

    def _read(self, place: Place, where: NDArray[np.int64]) -> Tensor:
        spec = self._spec(place)
        if os.path.isfile(self._array_file(place)):
            return spec.batch(self._array(place)[self._rows(place, where)])
        shown = spec.room(len(where))
        for i, file in enumerate(self._files(place, where)):
            shown[i] = spec(decode(content_of(file), str(file)))
        return shown

    def _spec(self, place: Place) -> Geometry:
        framing = self.spec.framing
        if not place.framed or framing is None:
            return self.spec
        return replace(self.spec, framing=replace(framing, crop_pct=1.0, crop_mode="squash"))

    def _files(self, place: Place, where: NDArray[np.int64]) -> Sequence[Path]:
        array = self._array_file(place)
        if os.path.isfile(array):
            return [array]
        return [self._folder(place) / self._names[i] for i in where.tolist()]

    def _where(self, ids: Tensor) -> NDArray[np.int64]:
        """Return the indices (n,) of ids among the examples."""
        found = np.searchsorted(self.examples.ids, ids.cpu().numpy(), sorter=self._order)
        return self._order[found]

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self.examples.ids)

    @cached_property
    def _names(self) -> Sequence[str]:
        """``CLASS/FILE`` of every example; none where they are no files."""
        inputs = self.examples.inputs
        names = inputs.names if isinstance(inputs, FileImages) else ()
        return [names[i] for i in self.examples.positions.tolist()] if names else ()

    def _folder(self, place: Place) -> Path:
        return find_data(Path(place.folder), self.root) / place.name / str(place.level)

    def _array_file(self, place: Place) -> Path:
        return find_data(Path(place.folder), self.root) / f"{place.name}.npy"

    def _why_no_rows(self, place: Place) -> str:
        array, labels = self._array(place), self._array_file(place).with_name("labels.npy")
        if not os.path.isfile(labels):
            return f"{place.folder} must hold labels.npy, which says whose images they are"
        given, ids = self._mapped(labels), self.examples.ids
        if given.shape != array.shape[:1] or given.dtype.kind not in "iu":
            raise DataError(f"{labels}: must be {len(array)} integers; got {given.shape}")
        each = len(array) // _SEVERITIES
        rows = self._rows(place, np.arange(len(ids)))
        if not (ids.min() >= 0 and ids.max() < each and self._are(given[rows])):
            msg = f"{labels}: must have the labels of the {each} images of {self.examples.name}"
            raise DataError(f"{msg}, in their order; they are those of other images")
        return ""

    def _are(self, given: NDArray[Any]) -> bool:
        """Whether these are the labels of the examples, among all classes of the data."""
        number = {name: i for i, name in enumerate(self.examples.all_classes)}
        classes = np.array([number[name] for name in self.examples.classes])
        return np.array_equal(given, classes[self.examples.labels])

    def _rows(self, place: Place, where: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of an array: severity after severity, each in the order of the ids."""
        each = len(self._array(place)) // _SEVERITIES
        return (place.level - 1) * each + self.examples.ids[where]

    def _array(self, place: Place) -> NDArray[np.uint8]:
        """Return uint8 (5 n, height, width, channels), mapped into memory.

        Raises:
            DataError: it is something else.
        """
        file = self._array_file(place)
        images = self._mapped(file)
        shape = images.shape
        if (
            images.dtype != np.uint8
            or len(shape) != 4
            or shape[3] not in (1, 3)
            or not images.size
        ):
            what = "must be uint8 (n, height, width, 1 or 3)"
            raise DataError(f"{file}: {what}; got {images.dtype} {shape}")
        if shape[0] % _SEVERITIES:
            what = f"must have the images of {_SEVERITIES} severities"
            raise DataError(f"{file}: {what}; got {shape[0]} images")
        return images

    def _mapped(self, file: Path) -> NDArray[Any]:
        if file not in self._arrays:
            try:
                self._arrays[file] = open_memmap(file, mode="r")
            except _UNREADABLE as exc:
                raise DataError(f"{file}: must be an array of NumPy; it is damaged") from exc
        return self._arrays[file]
