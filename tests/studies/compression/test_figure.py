"""The figure of spread: what is in the details, on a logarithmic axis."""

from dataclasses import replace

from acn_eval.studies.compression.figure import drawings
from tests.charts.axes import by_name, drawn
from tests.studies.compression.test_collapse import ALIKE, APART, EARLIER, network, of_text

PLAIN = network("acn", tokens=ALIKE, before=EARLIER)


def shown(sides):
    found = by_name(drawings(sides))
    return {title: drawn(panel) for title, panel in found.get("spread", {}).items()}


def test_lines_are_shares_over_depth_solid_as_trained_and_dashed_before():
    panels = shown({"acn": [PLAIN], "res": [network("res", before=None)]})
    axes = panels["Share of variance over tokens"]
    limit, trained, initial, other = axes.lines
    assert list(limit.get_ydata()) == [0.001] * 2
    assert list(trained.get_ydata()) == [*ALIKE[:-1], 1e-6]
    assert list(initial.get_ydata()) == [*EARLIER[:3], 1e-6, 1e-6]
    assert [line.get_linestyle() for line in (trained, initial, other)] == ["-", "--", "-"]
    assert trained.get_color() == initial.get_color() != other.get_color()
    assert list(other.get_ydata()) == list(APART)
    assert axes.get_yscale() == "log"
    assert axes.get_ylim()[0] < 1e-6


def test_the_numbers_are_also_in_words():
    (tokens, _) = by_name(drawings({"acn": [PLAIN]}))["spread"].values()
    assert tokens.words.startswith("acn: 0.9 at 0, 0.5 at 1, 0.002 at 2, 0.0009 at 3, 0 at 4; ")
    assert "acn at initialization: 0.9 at 0, 0.1 at 1, " in tokens.words


def test_what_is_not_known_is_not_drawn():
    none = network("one", tokens=(None,) * 5, before=None)
    assert list(shown({"one": [none]})) == ["Share of variance over images"]
    old = replace(none, details={"tolerance": 0.02})
    assert shown({"old": [old]}) == {}


def test_of_sentences_it_is_over_examples():
    titles = ["Share of variance over tokens", "Share of variance over examples"]
    assert list(shown({"acn": [of_text(PLAIN)]})) == titles
