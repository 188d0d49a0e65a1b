"""bf16 is certified by trainings that equal those of `train`, on validation alone."""

import numpy as np
import pytest
import torch

from acn_eval.checkpoints import load
from acn_eval.checkpoints.native import read_native
from acn_eval.config_files import JSON_BYTES
from acn_eval.data import open_examples
from acn_eval.errors import ConfigError, MeasureError
from acn_eval.training import train
from acn_eval.training.certify import certified, certify
from tests.tiny import CPU, recipe
from tests.training import texts

SHORT = {"steps": 8, "batch": 32, "warmup": 2}


@pytest.fixture(autouse=True)
def bf16(monkeypatch):
    """Machines without its units emulate it, slowly: enough for a few steps."""
    monkeypatch.setattr("acn_eval.training.certify.has_bf16", lambda device: True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as context:
        context.setattr("acn_eval.training.certify.has_bf16", lambda device: True)
        folder = tmp_path_factory.mktemp("certified")
        found = certify(recipe(**SHORT), folder, device=CPU)
    (folder / "mine.bf16.json").write_text(found.model_dump_json())
    return folder


@pytest.fixture
def certificate(folder):
    return certified(recipe(**SHORT, precision="bf16"), folder / "mine.bf16.json").certificate


def test_accuracies_are_those_of_the_networks(folder, certificate):
    examples = open_examples("digits", "validation")
    for precision in ("fp32", "bf16"):
        for seed, stated in zip(certificate.seeds, getattr(certificate, precision), strict=True):
            checkpoint = load(str(folder / f"{precision}_{seed}.pt"))
            images = examples.read(slice(None), checkpoint.prepare.spec) / 255
            with torch.no_grad():
                logits = checkpoint.model(checkpoint.prepare.normalize(images))
            right = logits.argmax(1).numpy() == examples.labels
            assert stated == pytest.approx(right.mean(), abs=1.5 / len(examples))
            card = read_native(folder / f"{precision}_{seed}.pt").card.training
            assert stated == card.validation_accuracy
    difference = np.mean(certificate.bf16) - np.mean(certificate.fp32)
    assert certificate.difference == pytest.approx(difference)
    assert certificate.low < difference < certificate.high


def test_the_fp32_trainings_are_those_of_train(folder, certificate, tmp_path):
    seed = certificate.seeds[1]
    train(recipe(**SHORT, seed=seed), tmp_path / "a.pt", device=CPU)
    one, other = (read_native(p) for p in (tmp_path / "a.pt", folder / f"fp32_{seed}.pt"))
    assert all(torch.equal(one.state[name], other.state[name]) for name in one.state)


def test_only_train_and_validation_are_opened(tmp_path, monkeypatch):
    asked = []

    def watched(name, split="test", root=None):
        asked.append(split)
        return open_examples(name, split, root)

    monkeypatch.setattr("acn_eval.training.sources.open_examples", watched)
    certify(recipe(**{**SHORT, "steps": 1}), tmp_path, device=CPU)
    assert set(asked) == {"train", "validation"}


def test_what_is_trained_is_not_trained_again(folder, certificate, tmp_path, monkeypatch):
    last = f"bf16_{certificate.seeds[-1]}.pt"
    for path in folder.glob("*.pt"):
        if path.name != last:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    moves = []
    again = certify(
        recipe(**SHORT), tmp_path, device=CPU, progress=lambda *done: moves.append(done)
    )
    assert moves == [(6 * SHORT["steps"], 6 * SHORT["steps"])]
    timed = {"seconds": certificate.seconds}
    assert again.model_copy(update=timed) == certificate


def test_trainings_of_another_recipe_are_refused_before_any_other_is_trained(folder, tmp_path):
    last = "bf16_1003.pt"
    (tmp_path / last).write_bytes((folder / last).read_bytes())
    with pytest.raises(ConfigError, match=r"bf16_1003\.pt: must be of this recipe"):
        certify(recipe(**SHORT, learning_rate=0.02), tmp_path, device=CPU)
    assert [path.name for path in tmp_path.iterdir()] == [last]


def test_sentences_with_classes_are_certified_and_masked_tokens_are_not(tmp_path):
    found = certify(texts.classes(steps=2), tmp_path, device=CPU)
    assert found.validation_n == 525
    assert len(found.bf16) == 3
    with pytest.raises(ConfigError, match="must be of a recipe with classes"):
        certify(texts.masked(), tmp_path, device=CPU)


def test_a_machine_without_bf16_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr("acn_eval.training.certify.has_bf16", lambda device: False)
    with pytest.raises(MeasureError, match="must run where the device computes in bf16"):
        certify(recipe(**SHORT), tmp_path, device=CPU)
    assert not list(tmp_path.iterdir())


def test_a_card_records_the_certificate_and_the_numeric_profile(folder, certificate, tmp_path):
    plan = recipe(**SHORT, precision="bf16", seed=5)
    card = train(certified(plan, folder / "mine.bf16.json"), tmp_path / "a.pt", device=CPU)
    assert card.training.recipe["certificate"] == certificate.model_dump(mode="json")
    profile = card.training.numeric_profile
    assert (profile["precision"], profile["batch_size"], profile["threads"]) == ("bf16", 32, 1)
    assert profile["version"] == torch.__version__
    assert not {"certificate", "numeric_profile"} & load(str(tmp_path / "a.pt")).id.training.keys()


def test_a_recipe_without_a_certificate_is_written_as_before():
    """Results, and states of trainings, are found by the text of a recipe."""
    assert "certificate" not in recipe().model_dump(mode="json")
    assert "certificate" not in recipe().model_dump_json()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", "must be a certificate of bf16; recipe: Field required"),
        (b"{", "must be a certificate of bf16; "),
        (b" " * (JSON_BYTES + 1), "must be a certificate of bf16; "),
    ],
)
def test_a_damaged_certificate_is_refused(tmp_path, content, message):
    (tmp_path / "mine.json").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        certified(recipe(precision="bf16"), tmp_path / "mine.json")
    assert certified(recipe(), tmp_path / "mine.json") == recipe()  # fp32 does not ask


def test_the_certificate_of_another_recipe_is_refused(folder, certificate):
    other = recipe(**{**SHORT, "steps": 9}, precision="bf16")
    for plan, path in (
        (other, folder / "mine.bf16.json"),
        (other.model_copy(update={"certificate": certificate}), folder / "nosuch.json"),
    ):
        with pytest.raises(ConfigError, match="must be of this recipe; it is of another one"):
            certified(plan, path)
