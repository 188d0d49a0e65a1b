"""Pictures are what the networks saw, and are chosen by a rule that was fixed before."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from acn_eval.errors import DataError
from acn_eval.evaluation import DataSelection, choose, evaluate
from acn_eval.report.inputs import Material
from acn_eval.report.page import Gallery
from acn_eval.report.pictures import examples_of, pictures
from acn_eval.seeds import keyed_order
from acn_eval.studies.compare import compare
from tests.tiny import checkpoint


@pytest.fixture(scope="module")
def shown(about):
    return pictures(about, examples_of(about.candidates[0]))


@pytest.fixture(scope="module")
def galleries(shown):
    return [block for block in shown if isinstance(block, Gallery)]


def pixels(picture):
    data = base64.b64decode(picture.uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))


class Recording(torch.nn.Module):
    """Keeps every input of a network."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.seen = inner, []

    def forward(self, images):
        self.seen.append(images.clone())
        return self.inner(images)


def test_pixels_are_those_that_went_into_the_network(tiny, stored, galleries):
    """A network that records its inputs is asked again; normalisation is undone."""
    asked = checkpoint(tiny)
    model = Recording(asked.model)
    recorded = replace(asked, model=model, id=replace(asked.id, uri="memory:recorded"))
    evaluate([recorded], str(stored.parent / "small.yaml"), DataSelection(limit=80))
    mean, std = (recorded.id.preprocessing[k][0] for k in ("mean", "std"))
    seen = {
        np.clip(np.rint((image[0].numpy() * std + mean) * 255), 0, 255).astype(np.uint8).tobytes()
        for batch in model.seen
        for image in batch
    }
    every = [p for g in galleries for _, row in g.rows for p in row]
    assert len(every) > 10
    assert all(pixels(picture).tobytes() in seen for picture in every)


def test_the_digest_says_so(shown, about):
    assert shown[0].text.startswith("The images are computed again from their ids; the digest")
    assert about.results[0].noise_digest in shown[0].text
    assert "proves" in shown[0].text


def test_another_seed_is_noticed(about):
    other = tuple(replace(result, seed=5) for result in about.candidates)
    moved = pictures(replace(about, candidates=other), examples_of(other[0]))
    assert "proves" not in moved[0].text


def by_condition(result, corruption, level):
    return next(
        c
        for c in result.cells
        if c.condition["corruption"] == corruption and c.condition["level"] == level
    )


def test_images_are_the_first_that_differ_in_keyed_order(about, galleries):
    left, right = about.candidates[0], about.baselines[0]
    for gallery in galleries:
        name = gallery.caption.partition(":")[0].replace(" ", "_")
        levels = [float(text) for text in gallery.head[2:]]
        differ = set()
        for level in levels:
            a, b = (outcomes(by_condition(r, name, level)) for r in (left, right))
            differ |= {image for image, value in a.items() if b[image] != value}
        ids = np.array(sorted(differ), np.int64)
        expected = ids[keyed_order(ids, "report", "small", 0, name)][:4]
        found = [int(label.split()[1].rstrip(",")) for label, _ in gallery.rows]
        assert found == expected.tolist()
        said = f"{len(found)} drawn at random, by a fixed seed, of the {len(ids)} of 80 images"
        assert said in gallery.caption


def outcomes(cell):
    return dict(zip(cell.ids.tolist(), cell.values.tolist(), strict=True))


def test_what_is_said_below_a_picture_is_the_outcome(about, galleries):
    examples = choose([], DataSelection(data="digits", limit=80))
    labels = dict(zip(examples.ids.tolist(), examples.labels.tolist(), strict=True))
    for gallery in galleries:
        name = gallery.caption.partition(":")[0].replace(" ", "_")
        for label, row in gallery.rows:
            image = int(label.split()[1].rstrip(","))
            assert label == f"image {image}, class {labels[image]}"
            for level, picture in zip((0.0, *map(float, gallery.head[2:])), row, strict=True):
                for said, result in zip(picture.shown, about.results, strict=True):
                    cell = by_condition(result, name if level else "clean", level)
                    at = cell.ids.tolist().index(image)
                    assert said.network == result.checkpoint.name
                    assert said.answer == str(cell.predicted[at])
                    assert said.right == (cell.predicted[at] == labels[image])


def test_data_that_changed_or_went_away_is_noticed_and_not_downloaded(about, tmp_path):
    result = about.candidates[0]
    other = replace(result, data=replace(result.data, fingerprint="0" * 16))
    with pytest.raises(DataError, match="These are other images"):
        examples_of(other)
    known = replace(result, data=replace(result.data, name="cifar10"))
    with pytest.raises(DataError, match=r"must hold cifar-10-batches-py; it does not\."):
        examples_of(known, tmp_path)
    gone = replace(result, data=replace(result.data, name="npz:gone.npz"))
    with pytest.raises(DataError, match=r"gone\.npz"):
        examples_of(gone)


def test_one_network_alone_shows_what_it_has_wrong(about):
    alone = Material(None, about.candidates, ())
    found = pictures(alone, examples_of(about.candidates[0]))
    (first, *_) = [block for block in found if isinstance(block, Gallery)]
    assert "that are wrong at some level" in first.caption
    assert all(any(not p.shown[0].right for p in row[1:]) for _, row in first.rows)


def test_a_pair_that_never_differs_has_no_pictures(about):
    twin = replace(
        about.candidates[0], checkpoint=replace(about.candidates[0].checkpoint, name="twin")
    )
    comparison = compare(about.candidates, (twin,))
    found = pictures(Material(comparison, about.candidates, (twin,)), examples_of(twin))
    assert [block.text for block in found[1:]] == [
        f"{name}: there are no images on which the two differ at any level."
        for name in ("gaussian", "salt pepper", "motion blur")
    ]
