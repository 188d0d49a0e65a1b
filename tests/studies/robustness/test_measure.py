"""What is shown: the same pixels for all networks, in one size and one precision."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acn_eval.checkpoints import from_module
from acn_eval.corruptions import Context, EmbeddingGaussian, Gaussian, NoiseKey, SaltPepper
from acn_eval.corruptions.common import Jpeg
from acn_eval.corruptions.text import InsertLetters, Keyboard, MaskWords
from acn_eval.data import Geometry, PrepareImages, channel_moments, open_examples
from acn_eval.data.sentences import SentenceSpec
from acn_eval.errors import ConfigError, DataError
from acn_eval.evaluation import Blocks, DataSelection, evaluate, evaluate_blocks
from acn_eval.studies.compare import compare
from acn_eval.studies.robustness.suite import Robustness
from tests.letters import reader
from tests.tiny import checkpoint, counting, digits

LIMIT = DataSelection(limit=40)

NOISE = Robustness(name="noise", corruptions=(Gaussian(levels=(0.1, 0.4)), SaltPepper()))


@pytest.fixture
def pair(tiny, device):
    return [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]


def test_a_cell_is_right_where_the_class_is(pair, runtime):
    labels = dict(zip(digits().ids, digits().labels, strict=True))
    (result,) = evaluate(pair[:1], NOISE, LIMIT, runtime=runtime)
    for cell in result.cells:
        expected = [float(p == labels[i]) for i, p in zip(cell.ids, cell.predicted, strict=True)]
        assert cell.values.tolist() == expected
        assert cell.values.dtype == np.float32
        assert ((cell.confidence > 0) & (cell.confidence <= 1)).all()


def test_what_a_picture_cannot_show_is_a_skip(pair, runtime):
    suite = Robustness(name="mixed", corruptions=(Jpeg(), Gaussian(levels=(0.1,))))
    results = evaluate(pair, suite, LIMIT, runtime=runtime)
    for result in results:
        assert [c.condition["corruption"] for c in result.cells] == ["clean", "gaussian"]
        assert [s.condition["level"] for s in result.skipped] == [1, 2, 3, 4, 5]
        assert {s.reason for s in result.skipped} == {"jpeg: images must have 3 channels; got 1"}
    assert any("jpeg" in line for line in compare(results[:1], results[1:]).warnings)


def larger(size, device):
    """A network of its own that reads digits at another size."""
    generator = torch.Generator().manual_seed(size)
    layer = torch.nn.Linear(size * size, 10)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
    module = torch.nn.Sequential(torch.nn.Flatten(), layer).to(device)
    prepare = PrepareImages(Geometry(size, 1), (0.3,), (0.4,))
    classes = tuple("0123456789")
    return from_module(module, name=f"at{size}", classes=classes, prepare=prepare, data="digits")


def test_two_sizes_are_compared_with_a_claim_only_where_the_suite_fixes_one(pair, runtime, device):
    sides = [pair[0], larger(16, device)]
    own = evaluate(sides, NOISE, LIMIT, runtime=runtime)
    assert own[0].noise_digest != own[1].noise_digest
    said = compare(own[:1], own[1:])
    assert said.claim.verdict == "depends"
    assert "the two differ in pixels: size 8 against size 16" in said.warnings
    fixed = evaluate(sides, NOISE.model_copy(update={"image_size": 8}), LIMIT, runtime=runtime)
    assert fixed[0].noise_digest == fixed[1].noise_digest
    fair = compare(fixed[:1], fixed[1:])
    assert fair.n == 40
    assert not any("pixels" in warning for warning in fair.warnings)


def test_a_network_of_the_fixed_size_is_not_changed_by_it(pair, runtime):
    fixed = NOISE.model_copy(update={"image_size": 8})
    for one, other in zip(
        evaluate(pair, NOISE, LIMIT, runtime=runtime),
        evaluate(pair, fixed, LIMIT, runtime=runtime),
        strict=True,
    ):
        assert one.noise_digest == other.noise_digest
        for a, b in zip(one.cells, other.cells, strict=True):
            assert np.array_equal(a.predicted, b.predicted)


def test_groups_of_sizes_keep_the_order_of_the_checkpoints(pair, runtime, device):
    sides = [pair[0], larger(16, device), pair[1]]
    together = evaluate(sides, NOISE, LIMIT, runtime=runtime)
    assert [r.checkpoint.name for r in together] == ["tiny_ac", "at16", "tiny_res"]
    for side, result in zip(sides, together, strict=True):
        (alone,) = evaluate([side], NOISE, LIMIT, runtime=runtime)
        assert np.array_equal(alone.cells[1].predicted, result.cells[1].predicted)


def test_normalized_space_is_in_units_of_the_data_s_std(pair, runtime):
    """sigma std added in pixels, unclipped, is sigma after the normalisation by that std."""
    sigma = 0.5
    std = channel_moments(digits(40), Geometry(8, 1))[1][0]
    normalized = Gaussian(levels=(sigma,), space="normalized")
    by_hand = Gaussian(levels=(sigma * std,), clip=False)
    suites = [Robustness(name="n", corruptions=(c,)) for c in (normalized, by_hand)]
    (one,), (other,) = (evaluate(pair[:1], s, LIMIT, runtime=runtime) for s in suites)
    assert not normalized.clip
    assert np.array_equal(one.cells[1].predicted, other.cells[1].predicted)
    assert np.allclose(one.cells[1].confidence, other.cells[1].confidence, atol=1e-6)


def test_the_seed_is_of_the_noise(pair, runtime):
    one, other = (evaluate(pair[:1], NOISE, LIMIT, seed=s, runtime=runtime)[0] for s in (0, 1))
    assert one.noise_digest != other.noise_digest
    assert np.array_equal(one.cells[0].confidence, other.cells[0].confidence)
    assert not np.array_equal(one.cells[2].confidence, other.cells[2].confidence)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_precision_in_force_is_recorded_and_certified(pair, runtime, precision):
    results = evaluate(pair, NOISE, DataSelection(), runtime=replace(runtime, precision=precision))
    for result in results:
        assert result.precision == precision
        assert result.certificate["precision"] == precision
        assert result.certificate["n"] == 64
        assert result.certificate["batch_flips"] <= 2
    assert compare(results[:1], results[1:]).n == 352


def test_a_pair_is_measured_in_one_precision(pair, runtime, monkeypatch):
    """By the more expensive one: a fair pair is measured alike."""
    monkeypatch.setattr("acn_eval.inference.precision.has_bf16", lambda device: True)
    auto = replace(runtime, precision="auto", device=torch.device("cpu"))
    for c in pair:
        c.model.to(auto.device)
    big = replace(pair[1], id=replace(pair[1].id, flops=10**10))
    for sides, expected in ((pair, "fp32"), ([pair[0], big], "bf16")):
        results = evaluate(sides, NOISE, LIMIT, runtime=auto)
        assert [result.precision for result in results] == [expected] * 2


def test_the_certificate_fits_where_the_pass_fits(pair, runtime):
    small = counting(pair[0], largest=5)
    (result,) = evaluate([small], NOISE, DataSelection(), runtime=runtime)
    assert result.certificate["n"] == 64
    assert len(result.cells) == 6


class Padded(torch.nn.Module):
    """A network that looks at padding: is any example of the batch so long?"""

    def __init__(self, longest):
        super().__init__()
        self.longest = longest

    def forward(self, batch):
        long = torch.full((len(batch),), batch.ids.shape[1] >= self.longest)
        return torch.stack([~long, long], dim=1).float().to(batch.device)


def test_batches_of_the_certificate_are_padded_as_they_are(device, runtime):
    read = open_examples("synthetic-sentences").keyed(64).read(np.arange(64), SentenceSpec())
    letters = [len(sentence.replace(" ", "")) for (sentence,) in read.texts]
    short = sum(len(s) for s in (letters[i : i + 7] for i in range(0, 64, 7)) if max(s) < 60)
    network = replace(reader(device, longest=512), model=Padded(60 + 2))
    suite = Robustness(name="typos", corruptions=(Keyboard(),))
    data = DataSelection("synthetic-sentences", limit=64)
    (result,) = evaluate([network], suite, data, runtime=replace(runtime, batch_size=64))
    assert result.certificate["batch_flips"] == short > 0


def test_sentences_are_corrupted_before_they_become_tokens(device, runtime):
    suite = Robustness(name="typos", corruptions=(Keyboard(), MaskWords()))
    network, data = reader(device), DataSelection("synthetic-sentences", limit=40)
    small, whole = (
        evaluate([network], suite, data, runtime=replace(runtime, batch_size=size))[0]
        for size in (7, 40)
    )
    assert small.noise_digest == whole.noise_digest
    examples = open_examples("synthetic-sentences").keyed(40)
    batch, ids = examples.read(np.arange(40), SentenceSpec()), torch.from_numpy(examples.ids)
    for one, other in zip(small.cells[1:], whole.cells[1:], strict=True):
        assert one.predicted.tolist() == other.predicted.tolist()
        (corruption,) = (c for c in suite.corruptions if c.kind == one.condition["corruption"])
        draw = corruption.draw(batch.shape, ids, NoiseKey(0))
        shown = corruption.corrupt(batch, draw, one.condition["level"], Context())
        expected = network.model(network.prepare(shown).to(device)).argmax(1).tolist()
        by_id = dict(zip(one.ids.tolist(), one.predicted.tolist(), strict=True))
        assert by_id == dict(zip(examples.ids.tolist(), expected, strict=True))


def test_a_corruption_that_changes_nothing_is_a_skip(device, runtime, tmp_path):
    (tmp_path / "own.tsv").write_text(
        "sentence\tlabel\n" + "".join(f"{i} 猫\t{'ab'[i % 2]}\n" for i in range(200)),
        encoding="utf-8",
    )
    suite = Robustness(name="typos", corruptions=(Keyboard(), InsertLetters()))
    data = DataSelection(f"tsv:{tmp_path}/own.tsv")
    (result,) = evaluate([reader(device, ("a", "b"))], suite, data, runtime=runtime)
    assert {c.condition["corruption"] for c in result.cells} == {"clean", "insert"}
    assert [s.condition["level"] for s in result.skipped] == [0.01, 0.05, 0.1]
    assert {s.reason for s in result.skipped} == {"keyboard: it changes none of the 200 examples"}


def test_a_foreign_reader_of_sentences_is_not_asked_about_its_embeddings(device, runtime):
    suite = Robustness(name="noise", corruptions=(EmbeddingGaussian(), MaskWords(levels=(0.4,))))
    data = DataSelection("synthetic-sentences", limit=10)
    (result,) = evaluate([reader(device)], suite, data, runtime=runtime)
    assert {c.condition["corruption"] for c in result.cells} == {"clean", "mask_words"}
    said = "embedding_gaussian: networks must be BERTs, which add it; letters is none"
    assert [s.reason for s in result.skipped] == [said] * 3


def test_images_are_refused_noise_on_embeddings(pair, runtime):
    suite = Robustness(name="noise", corruptions=(EmbeddingGaussian(),))
    with pytest.raises(ConfigError, match="embedding_gaussian: examples must be sentences; got i"):
        evaluate(pair, suite, LIMIT, runtime=runtime)


def test_blocks_are_shown_the_conditions_of_the_whole(device, runtime, tmp_path):
    """Also those in which a corruption happens to change nothing."""
    lines = [f"{'word ' * (i == 7)}{i}\t{'ab'[i % 2]}\n" for i in range(40)]
    (tmp_path / "own.tsv").write_text("sentence\tlabel\n" + "".join(lines), encoding="utf-8")
    suite = Robustness(name="typos", corruptions=(Keyboard(levels=(0.9,)),))
    data, network = DataSelection(f"tsv:{tmp_path}/own.tsv"), reader(device, ("a", "b"))
    blocks = Blocks(10, ("order",))
    found = evaluate_blocks([network], suite, data, blocks, runtime=runtime)
    shown = [[len(cell.values) for cell in block.results[0].cells] for block in found]
    assert shown == [[10, 10]] * 4


def test_examples_whose_labels_do_not_survive_are_refused(device, runtime, tmp_path):
    folder = tmp_path / "glue" / "CoLA"
    folder.mkdir(parents=True)
    lines = "".join(f"gj04\t{i % 2}\t\tIt is {i}.\n" for i in range(30))
    (folder / "dev.tsv").write_text(lines, encoding="utf-8")
    suite = Robustness(name="typos", corruptions=(MaskWords(),))
    data = DataSelection("glue:cola", root=tmp_path)
    said = "glue:cola: examples must keep their labels when they are corrupted; a typing error"
    with pytest.raises(DataError, match=said):
        evaluate([reader(device, ("unacceptable", "acceptable"))], suite, data, runtime=runtime)
