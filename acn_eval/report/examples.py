"""What the networks saw: examples read again from the data by id, with the noise that was shown.

`_MANNERS` knows how those of each modality are drawn.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from acn_eval.corruptions import Context, Corruption, NoiseKey
from acn_eval.data import Examples, Geometry, Split, open_examples
from acn_eval.data.sentences import SentenceSpec
from acn_eval.errors import DataError, Unsupported
from acn_eval.inputs import InputSpec, ShownBatch
from acn_eval.report.inputs import Material, head_cells
from acn_eval.report.page import Block, Exhibit, Gallery, Picture, Shown, Text, Wording
from acn_eval.report.pictures import geometry, picture, rows
from acn_eval.report.wordings import LEGEND, wording
from acn_eval.results import Cell, EvalResult, Scalar
from acn_eval.seeds import keyed_order
from acn_eval.studies.read import stored_suite
from acn_eval.studies.robustness.measure import digest_of, first_shown, noise_context
from acn_eval.studies.robustness.suite import Robustness

__all__ = ["examples_of", "galleries"]


@dataclass(frozen=True)
class _Manner:
    """How examples of one modality are shown.

    Attributes:
        spec: from the facts of a record to what the networks were shown.
        draw: from an example, the same without noise, and its name, to what a page shows.
        corruptions: how many of them are shown, each of so many `rows`.
        content: what is the same where digests are.
        otherwise: why digests may differ.
        legend: of what is drawn.
    """

    spec: Callable[[Mapping[str, Any], Robustness], InputSpec[Any]]
    draw: Callable[[Any, Any, str], Picture | Wording]
    corruptions: int
    rows: Callable[[Any], int]
    content: str
    otherwise: str
    legend: str = ""


_MANNERS = {
    Geometry.modality: _Manner(
        geometry,
        picture,
        4,
        rows,
        "pixels",
        "corruptions that convolve agree between devices to rounding only",
    ),
    SentenceSpec.modality: _Manner(
        lambda facts, _: SentenceSpec.of(facts),
        wording,
        8,
        lambda _: 4,
        "words",
        "these may be others",
        LEGEND,
    ),
}


def examples_of(result: EvalResult, root: Path | None = None) -> Examples:
    """Return the examples on which a result was measured, in their keyed order.

    Raises:
        DataError: the data set is missing, or holds others now.
    """
    data = result.data
    examples = open_examples(data.name, cast("Split", data.split), root, download=False)
    if examples.classes != data.classes:
        examples = examples.only(data.classes)
    ids = np.unique(np.concatenate([cell.ids for cell in result.cells]))
    examples = examples.at(np.flatnonzero(np.isin(examples.ids, ids))).keyed()
    if examples.fingerprint != data.fingerprint:
        msg = f"{data.name}: fingerprint must be {data.fingerprint}; got {examples.fingerprint}"
        raise DataError(f"{msg}. These are other {examples.inputs.modality}.")
    return examples


def galleries(
    material: Material, examples: Examples, root: Path | None = None
) -> tuple[Block, ...]:
    """Return galleries of examples that the first files of the two sides judge differently.

    Per corruption they are the first examples, in an order keyed by suite, seed and corruption, on
    which one side is right and the other wrong at some level. Nothing is returned where nothing
    is corrupted, and a note where nobody knows how such examples are drawn, or where answers are
    numbers.

    Raises:
        DataError: another version recorded the suite.
    """
    result = material.candidates[0]
    suite = _noise_of(result)
    if suite is None:
        return ()
    if examples.inputs.modality not in _MANNERS:
        what = f"{examples.inputs.modality} are not drawn."
        return (Text(f"The examples are not shown: {what}", "note"),)
    if examples.targets is not None:
        return (Text("The examples are not shown: numbers are neither right nor wrong.", "note"),)
    studio = _Studio.of(suite, result, examples, root)
    most, count = studio.manner.corruptions, len(suite.corruptions)
    blocks = [
        block
        for corruption in suite.corruptions[:most]
        for block in _gallery(material, corruption, studio)
    ]
    note = f"{studio.sameness()} {studio.manner.legend}".strip()
    if count > most:
        note += f" The first {most} of {count} corruptions are shown."
    return (Text(note, "note"), *blocks)


def _noise_of(result: EvalResult) -> Robustness | None:
    """Return the corruptions of a suite; None if it has none."""
    return getattr(stored_suite(result.suite), "noise", None)


@dataclass(frozen=True)
class _Studio:
    """Computes what was shown, to the bit; `digest` is that of the first examples."""

    examples: Examples
    manner: _Manner
    spec: InputSpec[Any]
    context: Context
    result: EvalResult
    digest: str

    @staticmethod
    def of(
        suite: Robustness, result: EvalResult, examples: Examples, root: Path | None
    ) -> "_Studio":
        manner = _MANNERS[examples.inputs.modality]
        spec = manner.spec(result.checkpoint.preprocessing, suite)
        context = noise_context(suite, spec, examples, root)
        first = first_shown(examples, spec, torch.device("cpu"))
        digest = digest_of(suite, first, context, examples, result.seed)
        return _Studio(examples, manner, spec, context, result, digest)

    @property
    def word(self) -> str:
        """What an example is called."""
        return self.result.checkpoint.example

    def sameness(self) -> str:
        """Say whether what is shown is proven to be what was shown to the networks."""
        known, content = self.result.noise_digest, self.manner.content
        made = f"The {self.word}s are computed again from their ids; "
        if self.digest == known:
            return f"{made}the digest {known} proves that the {content} are the same."
        return (
            f"{made}the digest is {self.digest} here and {known} where they were measured: "
            f"{self.manner.otherwise}."
        )

    def levels(self, corruption: Corruption, where: NDArray[np.int64]) -> Iterator[ShownBatch]:
        """Yield the clean examples, then those at every level."""
        read = self.examples.read(where, self.spec)
        clean = self.spec.upload(read, torch.device("cpu"))
        ids = torch.from_numpy(self.examples.ids[where])
        yield clean
        draw = corruption.draw(clean.shape, ids, NoiseKey(self.result.seed))
        for level in corruption.levels:
            yield corruption.corrupt(clean, draw, level, self.context)


@dataclass(frozen=True)
class _Judged:
    """What the first files of the sides predict under one corruption.

    Attributes:
        cells: by label, the clean examples first, then every level.
        ids: of examples on which exactly one side is right at some level; of one side alone, those
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
        name = corruption.called.replace("_", " ")
        return _Judged(name, cells, np.unique(np.concatenate(found or [np.empty(0, np.int64)])))


def _undecided(cells: Sequence[Cell | None], sides: int) -> Iterator[NDArray[np.int64]]:
    """Yield the ids on which the sides differ at one level, if all of them measured it."""
    present = [cell for cell in cells if cell is not None]
    right = [cell.ids[cell.values == 1] for cell in present]
    if len(present) < sides:
        return
    yield np.setxor1d(*right) if sides == 2 else np.setdiff1d(present[0].ids, right[0])


def _gallery(material: Material, corruption: Corruption, studio: _Studio) -> Iterator[Block]:
    """Yield what is shown of one corruption, if it can act on these examples."""
    try:
        corruption.check_spec(studio.spec)
        corruption.require(studio.context)
    except Unsupported:
        return
    judged, word = _Judged.of(material, corruption), studio.word
    what = "on which the two differ" if len(judged.cells) == 2 else "that are wrong"
    if not len(judged.ids):
        yield Text(f"{judged.name}: there are no {word}s {what} at any level.", "note")
        return
    order = keyed_order(
        judged.ids, "report", material.suite, studio.result.seed, corruption.called
    )
    chosen = judged.ids[order][: studio.manner.rows(studio.spec)]
    caption = (
        f"{judged.name}: {len(chosen)} drawn at random, by a fixed seed, of the"
        f" {len(judged.ids)} of {len(studio.examples)} {word}s {what} at some level"
    )
    head = (word, "clean", *(f"{level:g}" for level in corruption.levels))
    yield Gallery(caption, head, tuple(_rows(judged, corruption, studio, chosen)))


def _rows(
    judged: _Judged, corruption: Corruption, studio: _Studio, chosen: NDArray[np.int64]
) -> Iterator[tuple[str, tuple[Exhibit, ...]]]:
    """Yield one row per example: clean, then at every level, each with the predictions."""
    examples = studio.examples
    where = np.array([np.flatnonzero(examples.ids == i)[0] for i in chosen], np.int64)
    shown = list(studio.levels(corruption, where))
    for row, position in enumerate(where):
        own, id = slice(row, row + 1), int(examples.ids[position])
        name = f"{studio.word} {id}, class {examples.classes[examples.labels[position]]}"
        exhibits = tuple(
            Exhibit(
                content=studio.manner.draw(
                    batch[own],
                    shown[0][own],
                    f"{name}, {judged.name} {corruption.levels[k - 1]:g}" if k else name,
                ),
                shown=tuple(
                    _said(label, cells[k], id, examples.classes)
                    for label, cells in judged.cells.items()
                ),
            )
            for k, batch in enumerate(shown)
        )
        yield name, exhibits


def _cell(result: EvalResult, condition: Mapping[str, Scalar]) -> Cell | None:
    """Return what the whole network predicts under the first draw of a condition."""
    first = (c for c in head_cells(result) if c.condition.get("repeat", 0) == 0)
    return next((c for c in first if condition.items() <= c.condition.items()), None)


def _said(label: str, cell: Cell | None, id: int, classes: tuple[str, ...]) -> Shown:
    at = np.flatnonzero(cell.ids == id) if cell is not None else np.empty(0)
    if cell is None or not len(at):
        return Shown(label, "not shown", right=False)
    right = bool(cell.values[at[0]] == 1)
    if cell.predicted is None:
        return Shown(label, "", right)
    predicted = int(cell.predicted[at[0]])
    return Shown(label, classes[predicted] if predicted >= 0 else "another class", right)
