"""The record of a result: complete, with the warnings that a reader needs."""

from dataclasses import replace

import numpy as np
import torch
from PIL import ExifTags, Image

from acn_eval import evaluate
from acn_eval.checkpoints import Native, write_native
from acn_eval.checkpoints.native import read_native
from acn_eval.corruptions import Gaussian
from acn_eval.corruptions.text import Keyboard
from acn_eval.data import Geometry, open_examples
from acn_eval.data.sentences import SentenceSpec
from acn_eval.evaluation import DataSelection
from acn_eval.models import build, read_arch
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.record import Answer, Subject, record, training_id
from tests.letters import reader
from tests.tiny import checkpoint, digits, linear

SUITE = Robustness(name="short", corruptions=(Gaussian(levels=(0.2,)),))


LIMIT = DataSelection(limit=40)


def folder_of_digits(root, n=12):
    """Pictures of digits, in a folder for each."""
    shown = digits(n)
    pixels = shown.read(np.arange(n), Geometry(8, 1))
    for i, (image, label) in enumerate(zip(pixels, shown.labels, strict=True)):
        (root / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0].numpy()).save(root / str(label) / f"{i}.png")
    for label in range(10):
        (root / str(label)).mkdir(exist_ok=True)
    return f"folder:{root}"


def test_files_that_were_left_out_are_in_the_record(tmp_path, tiny, runtime):
    data = folder_of_digits(tmp_path / "set")
    (tmp_path / "set" / "3" / "list.txt").touch()
    (result,) = evaluate([checkpoint(tiny)], SUITE, DataSelection(data), runtime=runtime)
    assert any("left out 1 files that are no images: 1 .txt" in w for w in result.warnings)


def test_images_seen_in_training_are_warned_about(tiny, runtime, tmp_path):
    clean = evaluate([checkpoint(tiny)], SUITE, LIMIT, runtime=runtime)[0]
    assert clean.warnings == ()
    native = read_native(tiny / "tiny_ac.pt")
    seen = torch.from_numpy(digits(40).hashes[:3].copy())
    write_native(tmp_path / "leak.pt", Native(native.card, native.state, seen))
    (leaky,) = evaluate([str(tmp_path / "leak.pt")], SUITE, LIMIT, runtime=runtime)
    assert leaky.warnings == ("leak was trained on 3 of these 40 images",)


def test_classes_that_look_mixed_up_are_warned_about(tiny, runtime):
    own = checkpoint(tiny)
    shuffled = replace(own, classes=(*own.classes[3:], *own.classes[:3]))
    (fine,) = evaluate([own], SUITE, DataSelection("digits"), runtime=runtime)
    (mixed,) = evaluate([shuffled], SUITE, DataSelection("digits"), runtime=runtime)
    assert fine.warnings == ()
    (said,) = mixed.warnings
    assert said.startswith("tiny_ac: classes look mixed up: ")
    assert said.count("is answered as") == 3


def test_a_match_by_wordnet_is_shown(runtime, tmp_path):
    """Whoever reads the number sees which logit was taken for which class."""
    rng, ids = np.random.default_rng(0), ["n01443537", "n02012849"]
    images, labels = rng.integers(0, 256, (20, 8, 8), dtype=np.uint8), np.arange(20) % 2
    np.savez(tmp_path / "x.npz", images=images, labels=labels, classes=ids)
    named = linear(classes=("crane, bird", "goldfish", "n02012849"), data="")
    chosen = DataSelection(f"npz:{tmp_path / 'x.npz'}")
    (result,) = evaluate([named], SUITE, chosen, runtime=runtime)
    assert result.details["classes_matched_by"] == "wordnet"
    assert result.warnings == (
        "linear spells its classes otherwise; they were matched by WordNet id: "
        "logit 1 (goldfish) is n01443537, logit 2 (n02012849) is n02012849",
    )


def test_images_that_are_to_be_turned_are_counted(tiny, runtime, tmp_path):
    data = folder_of_digits(tmp_path / "set")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    Image.new("L", (8, 8)).save(tmp_path / "set" / "3" / "turned.jpg", exif=exif)
    (result,) = evaluate([checkpoint(tiny)], SUITE, DataSelection(data), runtime=runtime)
    assert len([w for w in result.warnings if "to be turned by their EXIF data" in w]) == 1


def test_sentences_that_were_cut_are_counted(runtime):
    data = DataSelection("synthetic-sentences", limit=50)
    suite = Robustness(name="short", corruptions=(Keyboard(levels=(0.1,)),))
    (whole,) = evaluate([reader(runtime.device, longest=90)], suite, data, runtime=runtime)
    assert [w for w in whole.warnings if "cut" in w] == []
    (result,) = evaluate([reader(runtime.device, longest=40)], suite, data, runtime=runtime)
    examples = open_examples("synthetic-sentences").keyed(50)
    (texts,) = zip(*examples.read(np.arange(50), SentenceSpec()).texts, strict=True)
    long = sum(len(text.replace(" ", "")) > 38 for text in texts)
    assert 0 < long < 50
    assert f"letters reads 40 tokens; {long} of these 50 sentences were cut" in result.warnings
    assert any("generated" in warning for warning in result.warnings)


def test_metrics_of_the_data_are_recorded_unless_they_are_accuracy(tiny, tmp_path):
    shown = digits(4)
    paired = replace(shown, metrics=("f1", "accuracy"))
    plain, own = (
        record(Subject(checkpoint(tiny).id, examples, {"name": "toy"}, "cpu"), Answer(()))
        for examples in (shown, paired)
    )
    assert plain.details == {}
    assert own.key == plain.key
    assert type(own).load(own.save(tmp_path)).details == {"metrics": ["f1", "accuracy"]}


def test_the_result_is_complete_and_survives_the_disk(tiny, runtime, tmp_path):
    (result,) = evaluate([checkpoint(tiny)], SUITE, LIMIT, seed=3, runtime=runtime)
    assert result.seed == 3
    assert result.device == runtime.device.type
    assert torch.__version__.startswith(result.versions["torch"].split("+")[0])
    read = type(result).load(result.save(tmp_path))
    assert read.key == result.key
    for a, b in zip(read.cells, result.cells, strict=True):
        assert np.array_equal(a.predicted, b.predicted)
        assert dict(a.condition) == dict(b.condition)


def test_a_trained_network_is_addressed_by_what_decides_it():
    arch = read_arch({"kind": "vit", "depth": 2, "width": 16, "heads": 2, "image_size": 8}, "toy")

    def identity(**facts):
        return training_id("toy", "recipe:toy", facts, arch, preprocessing={}, training={})

    assert identity(seed=1, steps=2).sha256 == identity(steps=2, seed=1).sha256
    assert identity(seed=1, steps=2).sha256 != identity(seed=2, steps=2).sha256
    assert identity(seed=1).parameters == sum(p.numel() for p in build(arch).parameters())
