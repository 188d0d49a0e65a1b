"""Features of noisy images go to the probes of clean ones."""

import numpy as np
import torch
from sklearn.linear_model import RidgeClassifier

from acn_eval.data import open_examples
from acn_eval.evaluation import evaluate
from acn_eval.studies.compare import compare
from tests.studies.transfer.plans import DEPTH, NEW, NOISE, by_hand, cell, cells, same, suite


def test_noisy_images_are_asked_of_the_probes_of_clean_ones(pair, runtime):
    noisy = evaluate(pair, suite(noise=NOISE, block=False), NEW, runtime=runtime)
    clean = evaluate(pair, suite(block=False), NEW, runtime=runtime)
    for with_noise, without in zip(noisy, clean, strict=True):
        assert [c.condition["level"] for c in cells(with_noise, exit=1)] == [0.0, 0.1, 0.4]
        for own in without.cells:
            assert same(cell(with_noise, **own.condition), own)
        accuracies = [np.mean(c.values) for c in cells(with_noise, exit="last")]
        assert accuracies[0] > accuracies[-1]
        assert [c.primary for c in cells(with_noise, exit="last")] == [True, False, False]
        assert with_noise.noise_digest
    assert compare(noisy[:1], noisy[1:]).primary.name == "probe of the last exit"


def test_a_probe_under_noise_is_the_clean_probe_on_noisy_features(pair, runtime):
    from acn_eval.corruptions import Context, NoiseKey

    (result,) = evaluate(pair[1:], suite(noise=NOISE, block=False), NEW, runtime=runtime)
    model = pair[1]
    parts = [by_hand(model, split, "stream", DEPTH) for split in ("train", "validation")]
    x, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    mean, std = x.mean(axis=0), x.std(axis=0)
    (row,) = [p for p in result.details["protocols"]["ridge-1"]["probes"] if p["exit"] == DEPTH]
    probe = RidgeClassifier(alpha=row["penalty"]).fit((x - mean) / std, labels)
    test = open_examples("digits", "test").only(NEW.classes).keyed()
    images = test.read(np.arange(len(test)), model.prepare.spec) / 255
    gaussian = NOISE.corruptions[0]
    draw = gaussian.draw(images.shape, torch.from_numpy(test.ids), NoiseKey(0, 0))
    shown = gaussian.corrupt(images, draw, 0.4, Context(()))
    with torch.no_grad():
        device = next(model.model.parameters()).device
        features = model.model.readings(model.prepare(shown.to(device)))[DEPTH].stream
    wanted = probe.predict((features.cpu().numpy() - mean) / std)
    assert np.mean(cell(result, level=0.4, exit=DEPTH).predicted == wanted) > 0.99
