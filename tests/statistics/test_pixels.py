"""Networks that read images unalike are not shown the same noisy pixels, which is said."""

from dataclasses import replace

import pytest

from acn_eval.errors import ConfigError
from acn_eval.statistics.pairing import require_same_question
from acn_eval.statistics.pixels import other_pixels, pixels
from acn_eval.studies.compare import compare, rank
from tests.statistics.results import one

SIZES = {"a": (0.95, 0.9, 0.8), "b": (0.9, 0.6, 0.5), "c": (0.9, 0.5, 0.4)}


@pytest.fixture
def sides(rng):
    return {name: one(f"{name}_net", shares, rng) for name, shares in SIZES.items()}


def read_as(result, digest="other digest", **facts):
    preprocessing = {**result.checkpoint.preprocessing, **facts}
    checkpoint = replace(result.checkpoint, preprocessing=preprocessing)
    return replace(result, checkpoint=checkpoint, noise_digest=digest)


def test_equal_digests_prove_equal_pixels_and_without_noise_the_records_speak(sides):
    a, b = sides["a"], read_as(sides["b"], "digest", crop_pct=0.9)
    assert pixels([a, b]) == ["", ""]
    assert other_pixels(a, b) is None
    clean = [replace(result, noise_digest="") for result in (a, b)]
    assert pixels(clean) == ["crop_pct None", "crop_pct 0.9"]
    assert other_pixels(*clean) is None


def test_the_verdict_of_a_pair_names_the_pixels(sides):
    a, b = sides["a"], read_as(sides["b"], size=16, crop_pct=0.9)
    with pytest.raises(ConfigError, match="preprocessing, size must be that of a_net"):
        require_same_question([a, b])
    found = compare([a], [b])
    assert compare([a], [sides["b"]]).claim.verdict == "better"
    assert found.claim.verdict == "depends"
    assert "but the two differ in pixels, which may explain it" in found.claim.sentence
    expected = "the two differ in pixels: size 8, crop_pct None against size 16, crop_pct 0.9"
    assert expected in found.warnings


@pytest.mark.parametrize("facts", [{}, {"mean": [0.4]}])
def test_noise_that_nothing_in_the_records_explains_is_refused(sides, facts):
    with pytest.raises(ConfigError, match="noise digest must be that of a_net"):
        compare([sides["a"]], [read_as(sides["b"], **facts)])


def test_rounding_and_padding_are_named_too(sides):
    a, b = read_as(sides["a"], fill=[1]), read_as(sides["b"], "other", rounding="down", fill=[2])
    expected = "the two differ in pixels: rounding None, fill [1] against rounding down, fill [2]"
    assert expected in compare([a], [b]).warnings


def test_seeds_of_one_network_are_shown_the_same_pixels(sides):
    other = replace(sides["a"].checkpoint, sha256="another")
    seed = read_as(replace(sides["a"], checkpoint=other), size=16)
    with pytest.raises(ConfigError, match="preprocessing, size must be that of a_net"):
        compare([sides["a"], seed], [sides["b"]])


def test_every_place_of_a_ranking_says_its_pixels(sides):
    entries = {"a": [sides["a"]], "b": [read_as(sides["b"], size=16)], "c": [sides["c"]]}
    found = rank(entries)
    shown = {place.label: place.pixels for place in found.places}
    assert shown == {"a": "size 8", "b": "size 16", "c": "size 8"}
    assert "pixels" in found.warnings[-1]
    assert found.records()[0]["pixels"] == "size 8"
    assert found.answer.endswith(" Not all networks are shown the same pixels.")
    same = rank({name: [result] for name, result in sides.items()})
    assert {place.pixels for place in same.places} == {""}
