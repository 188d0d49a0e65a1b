"""Examples are what the networks saw, and are chosen by a rule that was fixed before."""

import base64
import io
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from acn_eval.corruptions import Context, NoiseKey
from acn_eval.corruptions.text import DropWords, Keyboard
from acn_eval.data.sentences import SentenceSpec
from acn_eval.errors import DataError
from acn_eval.evaluation import DataSelection, choose, evaluate
from acn_eval.report.examples import examples_of, galleries
from acn_eval.report.inputs import Material
from acn_eval.report.page import Gallery
from acn_eval.report.render import markdown
from acn_eval.report.sections import page_of
from acn_eval.seeds import keyed_order
from acn_eval.studies.compare import compare
from tests.tiny import checkpoint


@pytest.fixture(scope="module")
def shown(about):
    return galleries(about, examples_of(about.candidates[0]))


@pytest.fixture(scope="module")
def drawn(shown):
    return [block for block in shown if isinstance(block, Gallery)]


def pixels(exhibit):
    data = base64.b64decode(exhibit.content.uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))


class Recording(torch.nn.Module):
    """Keeps every input of a network."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.seen = inner, []

    def forward(self, images):
        self.seen.append(images.clone())
        return self.inner(images)


def test_pixels_are_those_that_went_into_the_network(tiny, stored, drawn):
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
    every = [p for g in drawn for _, row in g.rows for p in row]
    assert len(every) > 10
    assert all(pixels(picture).tobytes() in seen for picture in every)


def test_the_digest_says_so(shown, about):
    assert shown[0].text.startswith("The images are computed again from their ids; the digest")
    assert about.results[0].noise_digest in shown[0].text
    assert "proves" in shown[0].text


def test_another_seed_is_noticed(about):
    other = tuple(replace(result, seed=5) for result in about.candidates)
    moved = galleries(replace(about, candidates=other), examples_of(other[0]))
    assert "proves" not in moved[0].text


def by_condition(result, corruption, level):
    return next(
        c
        for c in result.cells
        if c.condition["corruption"] == corruption and c.condition["level"] == level
    )


def test_images_are_the_first_that_differ_in_keyed_order(about, drawn):
    left, right = about.candidates[0], about.baselines[0]
    for gallery in drawn:
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


def test_what_is_said_below_a_picture_is_the_outcome(about, drawn):
    examples = choose([], DataSelection(data="digits", limit=80))
    labels = dict(zip(examples.ids.tolist(), examples.labels.tolist(), strict=True))
    for gallery in drawn:
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
    found = galleries(alone, examples_of(about.candidates[0]))
    (first, *_) = [block for block in found if isinstance(block, Gallery)]
    assert "that are wrong at some level" in first.caption
    assert all(any(not p.shown[0].right for p in row[1:]) for _, row in first.rows)


def test_a_pair_that_never_differs_has_no_pictures(about):
    twin = replace(
        about.candidates[0], checkpoint=replace(about.candidates[0].checkpoint, name="twin")
    )
    comparison = compare(about.candidates, (twin,))
    found = galleries(Material(comparison, about.candidates, (twin,)), examples_of(twin))
    assert [block.text for block in found[1:]] == [
        f"{name}: there are no images on which the two differ at any level."
        for name in ("gaussian", "salt pepper", "motion blur")
    ]


def test_sentences_are_those_that_were_shown(about_text):
    """Corruptions are computed here by themselves, of every sentence in another batch."""
    result = about_text.candidates[0]
    examples = examples_of(result)
    note, *shown = galleries(about_text, examples)
    assert f"the digest {result.noise_digest} proves that the words are the same." in note.text
    clean = examples.read(np.arange(len(examples)), SentenceSpec())
    names = [gallery.caption.partition(":")[0] for gallery in shown]
    assert names == ["keyboard", "drop words"]
    for gallery, kind in zip(shown, (Keyboard, DropWords), strict=True):
        levels = [float(text) for text in gallery.head[2:]]
        corruption = kind(levels=levels)
        draw = corruption.draw(clean.shape, torch.from_numpy(examples.ids), NoiseKey(0))
        every = [corruption.corrupt(clean, draw, level, Context()) for level in levels]
        assert len(gallery.rows) == 4
        for name, row in gallery.rows:
            at = examples.ids.tolist().index(int(name.split()[1].rstrip(",")))
            assert name.endswith(f"class {examples.classes[examples.labels[at]]}")
            for exhibit, batch in zip(row, (clean, *every), strict=True):
                (line,) = exhibit.content.lines
                said = "".join(span.text for span in line if span.mark != "gone")
                assert said == batch.texts[at][0]


def test_other_modalities_are_not_drawn(about_text):
    examples = examples_of(about_text.candidates[0])
    unknown = replace(examples, inputs=SimpleNamespace(modality="token sequences"))
    (block,) = galleries(about_text, unknown)
    assert block.text == "The examples are not shown: token sequences are not drawn."


def test_a_record_that_does_not_state_its_sentences_is_refused(about_text):
    result = about_text.candidates[0]
    examples = examples_of(result)
    facts = {**result.checkpoint.preprocessing, "sentences": 3}
    changed = replace(result, checkpoint=replace(result.checkpoint, preprocessing=facts))
    with pytest.raises(DataError, match=r"must have 1 or 2 sentences; got 3"):
        galleries(replace(about_text, candidates=(changed,)), examples)


def test_a_page_of_sentences_speaks_of_no_images(about_text):
    blocks = galleries(about_text, examples_of(about_text.candidates[0]))
    assert all("image" not in said for block in blocks for said in texts_of(block))
    assert re.search(r"\bimages?\b", markdown(page_of(about_text, blocks))) is None


def texts_of(block):
    return (block.caption, *block.head) if isinstance(block, Gallery) else (block.text,)
