"""What the networks saw: images made again from the data by id, with the noise that was shown."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from acn_eval.corruptions import Context, Corruption, NoiseKey
from acn_eval.data import Examples, Geometry, Split, open_examples, unit_range
from acn_eval.errors import DataError, Unsupported
from acn_eval.report.inputs import Material, head_cells
from acn_eval.report.page import Block, Gallery, Picture, Shown, Text
from acn_eval.results import Cell, EvalResult, Scalar
from acn_eval.seeds import keyed_order
from acn_eval.studies.read import stored_suite
from acn_eval.studies.robustness.measure import digest_of, first_shown, noise_context
from acn_eval.studies.robustness.suite import Robustness

__all__ = ["examples_of", "pictures"]

_CORRUPTIONS = 4
_SMALL = 64  # pixels: of larger pictures fewer are shown, because each takes its room in the page
_ROWS, _FEW_ROWS = 4, 2


def examples_of(result: EvalResult, root: Path | None = None) -> Examples:
    """Return the images on which a result was measured, in their keyed order.

    Raises:
        DataError: the data set is missing, or holds other images now.
    """
    data = result.data
    examples = open_examples(data.name, cast("Split", data.split), root, download=False)
    if examples.classes != data.classes:
        examples = examples.only(data.classes)
    ids = np.unique(np.concatenate([cell.ids for cell in result.cells]))
    examples = examples.at(np.flatnonzero(np.isin(examples.ids, ids))).keyed()
    if examples.fingerprint != data.fingerprint:
        msg = f"{data.name}: fingerprint must be {data.fingerprint}; got {examples.fingerprint}"
        raise DataError(f"{msg}. These are other images.")
    return examples


def pictures(material: Material, examples: Examples) -> tuple[Block, ...]:
    """Return galleries of images that the first files of the two sides judge differently.

    Per corruption they are the first images, in an order keyed by suite, seed and corruption, on
    which one side is right and the other wrong at some level. Nothing is returned where nothing
    is corrupted, and a sentence where the examples are no images.

    Raises:
        DataError: another version recorded the suite.
    """
    result = material.candidates[0]
    suite = _noise_of(result)
    if suite is None:
        return ()
    if examples.inputs.modality != Geometry.modality:
        what = f"{examples.inputs.modality} are not drawn."
        return (Text(f"The examples are not shown: {what}", "note"),)
    studio = _Studio.of(suite, result, examples)
    blocks = [
        block
        for corruption in suite.corruptions[:_CORRUPTIONS]
        for block in _gallery(material, corruption, studio)
    ]
    note, count = studio.sameness(), len(suite.corruptions)
    if count > _CORRUPTIONS:
        note += f" The first {_CORRUPTIONS} of {count} corruptions are shown."
    return (Text(note, "note"), *blocks)


def _noise_of(result: EvalResult) -> Robustness | None:
    """Return the corruptions of a suite; None if it has none."""
    return getattr(stored_suite(result.suite), "noise", None)


@dataclass(frozen=True)
class _Studio:
    """Computes what was shown, pixel for pixel; `digest` is that of the first images."""

    examples: Examples
    geometry: Geometry
    context: Context
    result: EvalResult
    digest: str

    @staticmethod
    def of(suite: Robustness, result: EvalResult, examples: Examples) -> "_Studio":
        facts = result.checkpoint.preprocessing
        geometry = Geometry.of(facts, suite.image_size)
        context = noise_context(suite, geometry, examples)
        first = first_shown(examples, geometry, torch.device("cpu"))
        digest = digest_of(suite, first, context, examples, result.seed)
        return _Studio(examples, geometry, context, result, digest)

    def sameness(self) -> str:
        """Say whether the pixels are proven to be those that were shown."""
        known, made = self.result.noise_digest, "The images are computed again from their ids; "
        if self.digest == known:
            return f"{made}the digest {known} proves that the pixels are the same."
        return (
            f"{made}the digest is {self.digest} here and {known} where they were measured: "
            "corruptions that convolve agree between devices to rounding only."
        )

    def levels(self, corruption: Corruption, where: NDArray[np.int64]) -> Iterator[Tensor]:
        """Yield the clean images (n, channels, size, size), then those at every level."""
        images = unit_range(self.examples.read(where, self.geometry))
        ids = torch.from_numpy(self.examples.ids[where])
        yield images
        draw = corruption.draw(images.shape, ids, NoiseKey(self.result.seed))
        for level in corruption.levels:
            yield corruption.corrupt(images, draw, level, self.context)


@dataclass(frozen=True)
class _Judged:
    """What the first files of the sides predict under one corruption.

    Attributes:
        cells: by label, the clean images first, then every level.
        ids: of images on which exactly one side is right at some level; of one side alone, those
            that it has wrong.
    """

    name: str
    cells: Mapping[str, list[Cell | None]]
    ids: NDArray[np.int64]

    @staticmethod
    def of(material: Material, corruption: Corruption) -> "_Judged":
        conditions: list[Mapping[str, Scalar]] = [{"corruption": "clean"}]
        conditions += corruption.conditions()
        cells = {
            label: [_cell(results[0], condition) for condition in conditions]
            for label, results in material.sides.items()
        }
        levels = zip(*(row[1:] for row in cells.values()), strict=True)
        found = [ids for level in levels for ids in _undecided(level, len(cells))]
        name = corruption.kind.replace("_", " ")
        return _Judged(name, cells, np.unique(np.concatenate(found or [np.empty(0, np.int64)])))


def _undecided(cells: Sequence[Cell | None], sides: int) -> Iterator[NDArray[np.int64]]:
    """Yield the ids on which the sides differ at one level, if all of them measured it."""
    present = [cell for cell in cells if cell is not None]
    right = [cell.ids[cell.values == 1] for cell in present]
    if len(present) < sides:
        return
    yield np.setxor1d(*right) if sides == 2 else np.setdiff1d(present[0].ids, right[0])


def _gallery(material: Material, corruption: Corruption, studio: _Studio) -> Iterator[Block]:
    """Yield the pictures of one corruption, if it can act on these images."""
    size = studio.geometry.size
    try:
        corruption.check_spec(studio.geometry)
    except Unsupported:
        return
    judged = _Judged.of(material, corruption)
    what = "on which the two differ" if len(judged.cells) == 2 else "that are wrong"
    if not len(judged.ids):
        yield Text(f"{judged.name}: there are no images {what} at any level.", "note")
        return
    order = keyed_order(judged.ids, "report", material.suite, studio.result.seed, corruption.kind)
    chosen = judged.ids[order][: _ROWS if size <= _SMALL else _FEW_ROWS]
    caption = (
        f"{judged.name}: {len(chosen)} drawn at random, by a fixed seed, of the"
        f" {len(judged.ids)} of {len(studio.examples)} images {what} at some level"
    )
    head = ("image", "clean", *(f"{level:g}" for level in corruption.levels))
    yield Gallery(caption, head, tuple(_rows(judged, corruption, studio, chosen)))


def _rows(
    judged: _Judged, corruption: Corruption, studio: _Studio, chosen: NDArray[np.int64]
) -> Iterator[tuple[str, tuple[Picture, ...]]]:
    """Yield one row per image: clean, then at every level, each with the predictions."""
    examples = studio.examples
    where = np.array([np.flatnonzero(examples.ids == i)[0] for i in chosen], np.int64)
    shown = list(studio.levels(corruption, where))
    for row, position in enumerate(where):
        image = int(examples.ids[position])
        name = f"image {image}, class {examples.classes[examples.labels[position]]}"
        own = tuple(
            Picture(
                uri=_uri(images[row]),
                alt=f"{name}, {judged.name} {corruption.levels[k - 1]:g}" if k else name,
                shown=tuple(
                    _said(label, cells[k], image, examples.classes)
                    for label, cells in judged.cells.items()
                ),
            )
            for k, images in enumerate(shown)
        )
        yield name, own


def _cell(result: EvalResult, condition: Mapping[str, Scalar]) -> Cell | None:
    """Return what the whole network predicts under the first draw of a condition."""
    first = (c for c in head_cells(result) if c.condition.get("repeat", 0) == 0)
    return next((c for c in first if condition.items() <= c.condition.items()), None)


def _said(label: str, cell: Cell | None, image: int, classes: tuple[str, ...]) -> Shown:
    at = np.flatnonzero(cell.ids == image) if cell is not None else np.empty(0)
    if cell is None or not len(at):
        return Shown(label, "not shown", right=False)
    right = bool(cell.values[at[0]] == 1)
    if cell.predicted is None:
        return Shown(label, "", right)
    predicted = int(cell.predicted[at[0]])
    return Shown(label, classes[predicted] if predicted >= 0 else "another class", right)


def _uri(image: Tensor) -> str:
    """Return a PNG of one image (channels, size, size), cut off at 0 and 1."""
    pixels = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
