"""Spread in a result: of which network and images, kept and resumed, and where it is not known."""

import json
from dataclasses import replace

import pytest
import torch

from acn_eval.checkpoints import from_module, load
from acn_eval.data import open_examples
from acn_eval.errors import Unsupported
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inference import spread as core
from acn_eval.models import Encoder, Readings
from acn_eval.results import EvalResult
from acn_eval.studies.compression import spread
from acn_eval.studies.compression.collapse import in_words
from acn_eval.studies.compression.spread import IMAGES, Measured
from acn_eval.study.run import measured
from acn_eval.training.fit import start
from tests.checkpoints.files import official_file
from tests.studies.compression.test_run import SUITE, WithExits
from tests.tiny import CPU, checkpoint, digits, recipe
from tests.training import texts

N = 40


def of(loaded, runtime, examples=None):
    return Measured.of(loaded, examples or digits(N), loaded.prepare.spec, runtime)


def asked(loaded, runtime):
    selection = DataSelection(data="digits", limit=N)
    (result,) = evaluate([loaded], SUITE, selection, runtime=runtime)
    return result


def by_core(network, loaded, runtime):
    """The spread of all images in one batch."""
    examples, device = digits(N), runtime.device
    images = examples.read(range(N), loaded.prepare.spec) / 255
    batch = loaded.prepare.normalize(images.to(device))
    return [vars(s) for s in core.spreads([network.to(device).eval().boundaries(batch)])]


def same(found, wanted):
    pairs = zip(found, wanted, strict=True)
    return all(own == pytest.approx(row, rel=1e-4, abs=1e-6) for own, row in pairs)


def test_a_result_has_the_spread_of_its_network_and_of_the_one_that_was_trained(tiny, runtime):
    loaded = checkpoint(tiny, "tiny_ac", runtime.device)
    found = asked(loaded, runtime).details["spread"]
    before = start(recipe(), CPU).network
    assert (found["images"], found["reason"]) == (N, "")
    assert same(found["trained"], by_core(loaded.model, loaded, runtime))
    assert same(found["initial"], by_core(before, loaded, runtime))
    assert not same(found["trained"], found["initial"])
    assert found == json.loads(json.dumps(found, allow_nan=False))


def test_at_most_so_many_images_are_shown_and_they_are_keyed(tiny, runtime):
    examples = open_examples("digits", "train")
    own = of(checkpoint(tiny, "tiny_ac", runtime.device), runtime, examples)
    assert own.images == IMAGES < len(examples)
    assert all(unit.examples.digest == examples.keyed(IMAGES).digest for unit in own.units)
    assert [unit.cost for unit in own.units] == [IMAGES] * 2


def test_what_was_measured_is_kept_and_an_interruption_loses_the_unit_alone(
    tiny, runtime, monkeypatch
):
    own, calls = of(checkpoint(tiny, "tiny_ac", runtime.device), runtime), []

    def interrupted(batches):
        calls.append(batches)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return core.spreads(batches)

    monkeypatch.setattr(spread, "spreads", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measured(own.units, runtime)
    first = measured(own.units, runtime)
    assert len(calls) == 3
    assert measured(own.units, runtime) == first
    assert len(calls) == 3


def test_the_address_is_of_network_images_and_rounding(tiny, runtime):
    one, before = of(checkpoint(tiny, "tiny_ac", runtime.device), runtime).units
    others = (
        before,
        of(checkpoint(tiny, "tiny_res", runtime.device), runtime).units[0],
        replace(one, examples=digits(N - 1)),
        one.in_batches(1),
        replace(one, profile=replace(one.profile, threads=99)),
    )
    assert len({unit.address for unit in (one, *others)}) == 1 + len(others)
    assert one.profile.precision == "fp32"
    assert all(unit.cacheable for unit in (one, *others))


def test_batches_are_halved_where_memory_runs_out(tiny, runtime, monkeypatch):
    loaded = checkpoint(tiny, "tiny_ac", runtime.device)
    (trained, _), whole = of(loaded, runtime).units, Encoder.boundaries

    def narrow(network, images):
        if len(images) > 8:
            raise torch.OutOfMemoryError("a GPU that is too small")
        return whole(network, images)

    wanted = by_core(loaded.model, loaded, runtime)
    monkeypatch.setattr(Encoder, "boundaries", narrow)
    (content,) = measured([trained], runtime)
    assert same(json.loads(content), wanted)
    assert runtime.store.read(trained.in_batches(8).address) == content


class WithReadings(WithExits):
    """A network of somebody else's that also says what its head reads."""

    def readings(self, images):
        return self.inner.readings(images)


class Unwilling(WithExits):
    def readings(self, images):
        raise Unsupported("it was asked too often")


class Uneven(WithExits):
    def readings(self, images):
        first, *rest = self.inner.readings(images)
        return [Readings(first.stream[:, :3], first.block[:, :3]), *rest]


class Fewer(WithExits):
    def readings(self, images):
        return self.inner.readings(images)[1:]


class OfTensors(WithExits):
    def readings(self, images):
        return self.exits(images)


class OfNumbers(WithExits):
    readings = (0.5, 0.7)


def foreign(kind, tiny, device):
    loaded = checkpoint(tiny, "tiny_ac", device)
    own = {"name": "theirs", "classes": loaded.classes, "prepare": loaded.prepare}
    return from_module(kind(loaded.model), **own)


def test_of_a_foreign_network_its_features_are_known(tiny, runtime):
    theirs = foreign(WithReadings, tiny, runtime.device)
    result = asked(theirs, runtime)
    found = result.details["spread"]
    images = theirs.prepare.normalize(
        (digits(N).read(range(N), theirs.prepare.spec) / 255).to(runtime.device)
    )
    with torch.no_grad():
        blocks = [reading.block.double() for reading in theirs.model.readings(images)]
    for row, x in zip(found["trained"], blocks, strict=True):
        share = (x - x.mean(0)).square().sum() / x.square().sum()
        assert row["tokens"] is None
        assert row["images"] == pytest.approx(float(share), rel=1e-4, abs=1e-6)
    assert found["initial"] is None
    said = in_words("theirs", [result])
    assert said.startswith("theirs: outputs ")
    assert "tokens" not in said
    why = "because its card does not say how this network began."
    assert said.endswith(f"How it was at initialization is not known, {why}")
    assert not of(theirs, runtime).units[0].cacheable


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (WithExits, "it has no `readings`"),
        (Unwilling, "it was asked too often"),
        (Uneven, "its `readings` are not features (n, width) of every exit"),
        (Fewer, "its `readings` are not features (n, width) of every exit"),
        (OfTensors, "its `readings` are not features (n, width) of every exit"),
        (OfNumbers, "it has no `readings`"),
    ],
)
def test_what_a_network_does_not_show_is_said(tiny, runtime, kind, why):
    result = asked(foreign(kind, tiny, runtime.device), runtime)
    assert result.details["spread"] == {
        "images": N,
        "reason": why,
        "trained": None,
        "initial": None,
    }
    said = in_words("theirs", [result])
    assert said == f"theirs: spread of outputs not known, because {why}."


def test_an_official_file_does_not_say_how_it_began(tmp_path, runtime):
    loaded = load(str(official_file(tmp_path / "theirs.pth.tar")), "official/ac-mixer")
    own = of(loaded, runtime)
    assert [unit.initial for unit in own.units] == [False]
    assert own.reason == "its card does not say how this network began"


def test_a_network_that_began_with_a_file_does_not_hold_that_file(tmp_path, runtime):
    texts.trained(texts.masked(steps=1), tmp_path / "mlm.pt")
    texts.trained(texts.classes(steps=1, start_from=str(tmp_path / "mlm.pt")), tmp_path / "a.pt")
    sentences = open_examples("synthetic-sentences").keyed(N)
    own = of(load(str(tmp_path / "a.pt")), runtime, sentences)
    assert [unit.initial for unit in own.units] == [False]
    assert own.reason == "it began with the weights of another file"
    (content,) = measured(own.units, runtime)
    assert len(json.loads(content)) == 1 + own.units[0].checkpoint.model.config.depth


def test_what_is_not_finite_is_not_known(tiny, runtime):
    loaded = checkpoint(tiny, "tiny_ac", runtime.device)
    with torch.no_grad():
        loaded.model.blocks[1].mlp.fc1.weight.fill_(float("inf"))
    (content,) = measured(of(loaded, runtime).units[:1], runtime)
    rows = json.loads(content)
    assert None not in [rows[1][name] for name in ("tokens", "images", "rank")]
    assert rows[2]["tokens"] is rows[2]["images"] is rows[2]["rank"] is None


def test_the_spread_survives_the_disk(tiny, runtime, tmp_path):
    result = asked(checkpoint(tiny, "tiny_res", runtime.device), runtime)
    again = EvalResult.load(result.save(tmp_path))
    assert again.details["spread"] == result.details["spread"]
    assert in_words("a", [again]) == in_words("a", [result]) != ""
