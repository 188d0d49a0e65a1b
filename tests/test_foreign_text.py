"""Text from outside stays text: in a terminal, on a CI server, in Markdown and in figures."""

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acn_eval.errors import DataError
from acn_eval.foreign_text import drawn, markdown, plain, shortened

HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b\x00\x9b\u202e\udc80\n\r:#[]()|<`_*$@\\")),
    max_size=60,
)


@given(HOSTILE, st.integers(1, 80))
def test_nothing_invisible_is_left_and_the_limit_holds(text, limit):
    for shown in (plain(text, limit), markdown(text, limit)):
        categories = {unicodedata.category(c) for c in shown}
        assert not categories & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        shown.encode()
    assert len(plain(text, limit)) <= limit


@given(HOSTILE)
def test_what_is_rendered_once_stays_as_it_is(text):
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    "text",
    ["::error::x", "a ::error file=a,line=1::x", ":::warning::", "##[error]x", "###vso[task]x"],
)
def test_no_runner_reads_a_command_wherever_a_line_is_broken(text):
    assert not re.search(r"(?<!\w)::[a-z]|##\w*\[|::[a-z].*::", plain(text))


@pytest.mark.parametrize(
    "text", ["at::Tensor", "C:\\weights", "a: b; got #1 [0, 1]", "Stra\u00dfe"]
)
def test_ordinary_text_stays(text):
    assert plain(text) == text


@pytest.mark.parametrize("unit", ["\x1b", "::a", "://a:", "?token", "_", "](", "@", "password="])
def test_long_text_takes_no_time(unit):
    start = time.process_time()
    message = str(DataError(unit * 200_000))
    assert len(markdown(message)) <= 3 * len(message) <= 6000
    assert time.process_time() - start < 2


def test_the_middle_is_left_out():
    assert shortened("abcdefgh", 5) == "ab…gh"
    assert shortened("abcdefgh", 8) == "abcdefgh"
    assert shortened("abcdefgh", 1) == "…"


def test_figures_show_no_formula():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    for name in (r"$\bad{", "a$b$c", r"\$", "_hidden", "a\nb"):
        figure = Figure()
        axes = figure.subplots()
        axes.set_title(drawn(name))
        axes.plot([0], [0], label=drawn(name))
        assert axes.legend().get_texts()[0].get_text().strip().startswith(drawn(name)[:1].strip())
        FigureCanvasAgg(figure).draw()
