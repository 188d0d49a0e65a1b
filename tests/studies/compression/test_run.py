"""Compression: exits are truncated networks, costs are counted, nothing is chosen on test."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import export, from_module, load
from acn_eval.corruptions import Gaussian
from acn_eval.data import Geometry, PrepareImages
from acn_eval.errors import DataError
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inference import Runtime
from acn_eval.results import EvalResult
from acn_eval.studies.compare import compare
from acn_eval.studies.compression.depth import cut_depth, cut_of
from acn_eval.studies.compression.early_exit import RULES
from acn_eval.studies.compression.suite import Compression
from acn_eval.studies.compression.tables import show
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.terminal.console import console
from acn_eval.training import train
from tests.tiny import CPU, checkpoint, recipe

NOISE = Robustness(name="noise", corruptions=(Gaussian(levels=(0.1, 0.4)),))

SUITE = Compression(name="exits", noise=NOISE, seconds=1e-6)

DEPTH = 2

NAMED = ("cut", "last", "early")

TIMED = {"batch1": 1, "batch32": 32, "batch64": 64, "early": 1, "early32": 32}


@pytest.fixture
def pair(tiny, device):
    return [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]


@pytest.fixture(scope="module")
def results(tiny, device, tmp_path_factory):
    """Both networks on all test digits; read them only."""
    models = [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]
    store = OutcomeCache(tmp_path_factory.mktemp("outcomes"))
    return evaluate(models, SUITE, runtime=Runtime(device, 128, "fp32", store))


def cell(result, corruption="clean", level=0.0, **wanted):
    wanted |= {"corruption": corruption, "level": level}
    (found,) = [c for c in result.cells if wanted.items() <= dict(c.condition).items()]
    return found


def test_every_exit_and_the_named_ones_are_cells_under_every_condition(results):
    for result in results:
        asked = [(c.condition["corruption"], c.condition["level"]) for c in result.cells]
        exits = [c.condition["exit"] for c in result.cells]
        expected = [0, 1, 2, "cut", "last"]
        conditions = [("clean", 0.0), ("gaussian", 0.1), ("gaussian", 0.4)]
        assert list(zip(asked, exits, strict=True)) == [
            *((c, e) for c in conditions for e in expected),
            *((conditions[0], "early") for _ in RULES),
        ]
        early = [c.condition["policy"] for c in result.cells if c.condition["exit"] == "early"]
        assert early == [rule.name for rule in RULES]
        assert not result.skipped


def test_the_end_point_is_the_mean_over_exits_on_clean_images(results):
    counted = [c.condition for c in results[0].cells if c.primary]
    assert counted == [{"corruption": "clean", "level": 0.0, "exit": k} for k in range(DEPTH + 1)]
    found = compare(results[:1], results[1:])
    means = [np.mean([cell(r, exit=k).values.mean() for k in range(3)]) for r in results]
    assert found.primary.name == "mean over exits"
    assert found.primary.difference.value == pytest.approx(means[0] - means[1])


def test_named_exits_are_the_numbered_ones(results):
    for result in results:
        cut = result.details["validation"]["cut"]
        for corruption, level in (("clean", 0.0), ("gaussian", 0.4)):
            for name, k in (("cut", cut), ("last", DEPTH)):
                one, other = (cell(result, corruption, level, exit=e) for e in (name, k))
                assert np.array_equal(one.predicted, other.predicted)
                assert np.array_equal(one.ids, other.ids)


def test_an_exit_is_the_robustness_of_the_network_that_is_cut_there(pair, runtime, results):
    for k in range(DEPTH + 1):
        cut = replace(
            pair[0],
            model=pair[0].model.truncated(k),
            id=replace(pair[0].id, sha256=f"cut {k}"),
        )
        (alone,) = evaluate([cut], NOISE, runtime=replace(runtime, batch_size=128))
        for own in alone.cells:
            same = cell(results[0], **{**own.condition, "exit": k})
            assert np.array_equal(same.predicted, own.predicted)
            assert np.array_equal(same.values, own.values)


def test_what_early_exit_answers_is_a_walk_through_the_exits(results):
    for result in results:
        exits = [cell(result, exit=k) for k in range(DEPTH + 1)]
        chosen = {r["rule"]: r for r in result.details["early_exit"] if r["chosen"]}
        threshold = chosen["confidence"]["threshold"]
        taken = [1 if c > threshold else 2 for c in exits[1].confidence]
        own = cell(result, exit="early", policy="confidence")
        assert own.predicted.tolist() == [exits[k].predicted[i] for i, k in enumerate(taken)]
        costs = [row["flops"] for row in result.details["costs"]]
        head = 2 * 16 * 10
        spent = np.mean([costs[1] if k == 1 else costs[2] + head for k in taken])
        assert chosen["confidence"]["flops"] == pytest.approx(spent)
        assert chosen["confidence"]["mean_exit"] == pytest.approx(np.mean(taken))
        shares = [taken.count(k) / len(taken) for k in range(DEPTH + 1)]
        assert chosen["confidence"]["left"] == pytest.approx(shares)
        assert chosen["confidence"]["accuracy"]["value"] == pytest.approx(own.values.mean())


def test_every_threshold_is_a_point_and_one_per_rule_is_chosen(results):
    for result in results:
        rows = result.details["early_exit"]
        asked = [(rule.name, t) for rule in RULES for t in rule.thresholds]
        assert [(row["rule"], row["threshold"]) for row in rows] == asked
        assert [r["rule"] for r in rows if r["chosen"]] == [rule.name for rule in RULES]


def test_details_survive_the_disk(results, tmp_path):
    folder = results[0].save(tmp_path)
    again = EvalResult.load(folder)
    assert again.details == json.loads(json.dumps(results[0].details))
    assert cut_of(again) == cut_of(results[0])


def test_charts_are_accuracy_against_flops_at_whole_steps(results):
    charts = {c["name"]: c for c in results[0].details["charts"]}
    assert list(charts) == ["cut", *(f"early exit by {rule.name}" for rule in RULES)]
    costs = [row["flops"] for row in results[0].details["costs"]]
    points = charts["cut"]["points"]
    assert [x for x, _ in points] == [round(f / 1000) for f in costs]
    values = [cell(results[0], exit=k).values.mean() for k in range(3)]
    assert [y for _, y in points] == pytest.approx(values)
    for chart in charts.values():
        places = [x for x, _ in chart["points"]]
        assert places == sorted(set(places))


@pytest.fixture(scope="module")
def arrays(tiny):
    """Train and test digits as arrays, for data sets of one's own."""
    from acn_eval.data import open_examples

    found = {}
    for split in ("train", "test"):
        examples = open_examples("digits", split)
        images = examples.read(np.arange(len(examples)), Geometry(8, 1))
        pictures = {"images": images[:, 0].numpy(), "classes": np.array(examples.classes)}
        found[split] = {**pictures, "labels": examples.labels}
    return found


def asked(folder, arrays, model, runtime, test=None, train=None):
    """Evaluate on these arrays, with other labels where they are given."""
    folder = folder / "own"  # the name decides which images are for validation
    folder.mkdir(parents=True)
    for split, labels in (("train", train), ("test", test)):
        own = arrays[split] if labels is None else {**arrays[split], "labels": labels}
        np.savez(folder / f"{split}.npz", **own)
    (result,) = evaluate([model], SUITE, DataSelection(data=f"npz:{folder}"), runtime=runtime)
    return result


def choices(result):
    chosen = [(r["rule"], r["threshold"]) for r in result.details["early_exit"] if r["chosen"]]
    return result.details["validation"], chosen


@pytest.fixture
def ruin(pair, arrays):
    """Labels by which the embedding alone is right and everything deeper is wrong."""

    def labels(split):
        images = torch.from_numpy(arrays[split]["images"])[:, None] / 255
        with torch.inference_mode():
            device = next(pair[0].model.parameters()).device
            exits = pair[0].model.exits(pair[0].prepare.normalize(images.to(device)))
        return exits[0].argmax(1).cpu().numpy()

    return labels


def test_test_labels_choose_nothing(tmp_path, arrays, pair, runtime, ruin):
    plain = asked(tmp_path / "a", arrays, pair[0], runtime)
    other = asked(tmp_path / "b", arrays, pair[0], runtime, test=ruin("test"))
    assert choices(plain) == choices(other)
    assert cut_of(plain).estimate != cut_of(other).estimate == 0


def test_validation_labels_choose_and_are_not_reported(tmp_path, arrays, pair, runtime, ruin):
    plain = asked(tmp_path / "a", arrays, pair[0], runtime)
    other = asked(tmp_path / "b", arrays, pair[0], runtime, train=ruin("train"))
    assert choices(plain) != choices(other)
    assert other.details["validation"]["cut"] == 0
    assert np.array_equal(cell(other, exit="cut").values, cell(other, exit=0).values)
    assert cut_of(plain) == cut_of(other)
    for k in range(DEPTH + 1):
        assert np.array_equal(cell(plain, exit=k).values, cell(other, exit=k).values)


def test_validation_of_other_classes_is_refused(tmp_path, arrays, pair, runtime):
    known = arrays["test"]["labels"] < 9
    few = {name: arrays["test"][name][known] for name in ("images", "labels")}
    with pytest.raises(
        DataError, match="must have the classes of test, in the same order; got 10"
    ):
        asked(tmp_path / "a", {**arrays, "test": few}, pair[0], runtime)
    folder = tmp_path / "a" / "own"
    selection = DataSelection(data=f"npz:{folder}", classes=tuple("01234"))
    assert evaluate(pair[:1], SUITE, selection, runtime=runtime)[0].details["validation"]["n"] > 20


def test_validation_is_reported_as_it_is(results, pair, runtime):
    from acn_eval.data import open_examples

    held_out = open_examples("digits", "validation")
    images = held_out.read(np.arange(len(held_out)), pair[0].prepare.spec) / 255
    device = next(pair[0].model.parameters()).device
    with torch.inference_mode():
        exits = pair[0].model.exits(pair[0].prepare.normalize(images.to(device)))
    predicted = [e.argmax(1).cpu().numpy() for e in exits]
    found = results[0].details["validation"]
    assert found["n"] == len(held_out)
    expected = [accuracy_score(held_out.labels, p) for p in predicted]
    assert found["accuracy"] == pytest.approx(expected)
    right = np.array([p == held_out.labels for p in predicted], float)
    assert found["cut"] == cut_depth(right, 0.02).estimate


@pytest.mark.parametrize(("n", "tolerance"), [(764, 0.02), (765, 0.005)])
def test_half_a_point_where_the_images_can_settle_it(
    pair, runtime, arrays, tmp_path, n, tolerance
):
    test = {name: arrays["train"][name][:n] for name in ("images", "labels")}
    found = asked(tmp_path / "a", {**arrays, "test": test}, pair[0], runtime)
    assert found.data.n == n
    assert found.details["tolerance"] == tolerance
    assert not [line for line in found.warnings if "too few" in line]


def test_too_few_images_are_said(pair, runtime):
    (few,) = evaluate(pair[:1], SUITE, DataSelection(limit=188), runtime=runtime)
    assert few.warnings == (
        "188 images are too few to prove a cut at 2 points: 189 suffice if exits agree",
    )
    (own,) = evaluate(
        pair[:1],
        SUITE.model_copy(update={"tolerance": 0.1}),
        DataSelection(limit=188),
        runtime=runtime,
    )
    assert own.details["tolerance"] == 0.1
    assert own.warnings == ()


def test_costs_are_those_of_the_exported_file(results, tiny, tmp_path):
    whole = load(str(tiny / "tiny_ac.pt"))
    rows = results[0].details["costs"]
    assert [row["exit"] for row in rows] == [0, 1, 2]
    for row in rows:
        out = tmp_path / "cut.safetensors"
        export(whole, row["exit"], out)
        exported = load(str(out))
        assert row["parameters"] == exported.id.parameters
        assert row["flops"] == exported.id.flops
        # The format: 8 bytes, a header, the tensors; two are a sha256 and the training images.
        content = out.read_bytes()
        (header,) = struct.unpack("<Q", content[:8])
        beside = 8 + header + 32 + exported.training_hashes.nbytes
        assert row["weight_bytes"] == len(content) - beside
        assert row["memory_bytes"] == 4 * row["parameters"] + row["activation_bytes"]
        for name, n in TIMED.items():
            assert row[name]["batch"] == n
            assert 0 < row[name]["median_ms"] <= row[name]["p95_ms"]


def test_a_pt_file_adds_little_to_its_weights(results, tiny, tmp_path):
    """Its fixed parts: the card, the hashes, and about 500 bytes of zip per tensor."""
    whole = load(str(tiny / "tiny_ac.pt"))
    for row in results[0].details["costs"]:
        native = export(whole, row["exit"], tmp_path / "cut.pt")
        fixed = len(native.card.model_dump_json()) + native.training_hashes.nbytes
        rest = (tmp_path / "cut.pt").stat().st_size - fixed - row["weight_bytes"]
        assert 0 < rest < 500 * (len(native.state) + 1)


def foreign(device):
    generator = torch.Generator().manual_seed(3)
    layer = torch.nn.Linear(64, 10)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
    module = torch.nn.Sequential(torch.nn.Flatten(), layer).to(device)
    classes = tuple("0123456789")
    prepare = PrepareImages(Geometry(8, 1), (0.3,), (0.4,))
    return from_module(module, name="linear", classes=classes, prepare=prepare, data="digits")


def test_a_network_without_exits_has_its_last_alone(pair, runtime, device):
    sides = [foreign(device), pair[0]]
    one, other = evaluate(sides, SUITE, DataSelection(limit=40), runtime=runtime)
    assert [c.condition["exit"] for c in one.cells] == ["last"] * 3
    assert [c.primary for c in one.cells] == [True, False, False]
    (skip,) = one.skipped
    assert (skip.condition["exit"], skip.reason) == ("every other", "linear has no exits")
    assert one.details == {"limit": 40, "classes_matched_by": "number"}
    assert cut_of(one) is None
    found = compare([other], [one])
    assert found.primary.name == "last exit"
    last = [cell(r, exit="last").values.mean() for r in (other, one)]
    assert found.primary.difference.value == pytest.approx(last[0] - last[1], abs=1e-6)


def test_a_network_without_exits_needs_no_validation_images(runtime, device, tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", images=images, labels=np.arange(20) % 10)
    selection = DataSelection(data=f"npz:{tmp_path / 'own.npz'}")
    (result,) = evaluate([foreign(device)], SUITE, selection, runtime=runtime)
    assert result.data.n == 20


def test_a_network_in_memory_has_exits_and_weights_in_fp32(pair, runtime):
    own = from_module(
        pair[0].model, name="mine", classes=pair[0].classes, prepare=pair[0].prepare, data="digits"
    )
    (result,) = evaluate([own], SUITE, DataSelection(limit=40), runtime=runtime)
    costs = result.details["costs"]
    assert [row["weight_bytes"] for row in costs] == [4 * row["parameters"] for row in costs]
    assert cut_of(result).depth == DEPTH


class WithExits(torch.nn.Module):
    """A network of somebody else's that follows the protocol: `forward` and `exits`."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, images):
        return self.inner(images)

    def exits(self, images):
        return self.inner.exits(images)


def test_exits_of_another_class_are_exits(pair, runtime):
    """The protocol decides: every exit, and the cut, are those of the same network of ours."""
    ours = pair[0]
    own = from_module(
        WithExits(ours.model), name="theirs", classes=ours.classes, prepare=ours.prepare
    )
    selection = DataSelection(data="digits", limit=40)
    expected, found = evaluate([ours, own], SUITE, selection, runtime=runtime)
    assert found.details["depth"] == DEPTH
    assert found.details["validation"] == expected.details["validation"]
    for cell_ in found.cells:
        (same,) = [c for c in expected.cells if c.condition == cell_.condition]
        assert np.array_equal(cell_.predicted, same.predicted)
    assert len(found.cells) == len(expected.cells) - len(RULES)
    (skip,) = found.skipped
    assert skip.condition["exit"] == "early"
    assert skip.reason == "theirs cannot be truncated here, so costs are unknown"
    assert cut_of(found) == cut_of(expected)
    show(console(), [found], None)
    show(console(), [expected, found], compare([expected], [found]))


@pytest.mark.parametrize("connectivity", ["acn", "residual"])
def test_a_block_that_does_nothing_is_said(tiny, runtime, connectivity):
    idle = checkpoint(tiny, "tiny_ac" if connectivity == "acn" else "tiny_res", runtime.device)
    idle = replace(idle, id=replace(idle.id, sha256="idle"))
    with torch.no_grad():
        for name, parameter in idle.model.blocks[1].named_parameters():
            if "norm" not in name:
                parameter.zero_()
    (result,) = evaluate([idle], SUITE, DataSelection(limit=200), runtime=runtime)
    said = [line for line in result.warnings if "does nothing" in line]
    assert said == ["exit 2 answers exactly as exit 1: its block does nothing"]


def test_a_network_of_one_block(tmp_path, runtime):
    train(recipe(arch={"depth": 1}, steps=20), tmp_path / "one.pt", device=CPU)
    (result,) = evaluate(
        [str(tmp_path / "one.pt")], SUITE, DataSelection(limit=200), runtime=runtime
    )
    assert cut_of(result).depth == 1
    assert {c.condition["exit"] for c in result.cells} == {0, 1, *NAMED}


def test_a_cpu_is_not_timed_on_batches_that_take_minutes(pair, runtime, monkeypatch):
    most = 40 * pair[0].id.flops  # more than 32 examples, fewer than 64
    monkeypatch.setattr("acn_eval.studies.compression.run._MOST_FLOPS", most)
    (result,) = evaluate(pair[:1], SUITE, DataSelection(limit=40), runtime=runtime)
    assert all({"batch32", "early32"} <= row.keys() for row in result.details["costs"])
    assert not any("batch64" in row for row in result.details["costs"])
    said = "tiny_ac was not timed on batches of 64, which take a CPU minutes"
    assert said in result.warnings
    monkeypatch.setattr("acn_eval.studies.compression.run._MOST_FLOPS", 1.0)
    (result,) = evaluate(pair[:1], SUITE, DataSelection(limit=41), runtime=runtime)
    assert (
        "tiny_ac was not timed on batches of 32 and 64, which take a CPU minutes"
        in result.warnings
    )
    assert {row["milliseconds_in_batch"] for row in result.details["early_exit"]} == {None}
    out = console()
    with out.capture() as printed:
        show(out, [result], None)
    assert "in batches of 32" not in printed.get()
    assert "one by one" in printed.get()
