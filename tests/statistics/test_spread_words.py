"""Words about what is constant over tokens or images, at initialization or not."""

import pytest

from acn_eval.models.connectivity import CONNECTIVITIES
from acn_eval.statistics.spread_words import left_unused, never_apart, spread_in_words

FREE, SAME = ({"tokens": share, "images": share, "rank": 3.0} for share in (1e-3, 9e-4))
SAME_TOKENS, SAME_IMAGES = FREE | {"tokens": 0.0}, FREE | {"images": 0.0}
ONE_TOKEN = FREE | {"tokens": None}  # which has no variance over tokens
LOST = {"tokens": None, "images": None, "rank": None}


@pytest.mark.parametrize(
    ("trained", "initial", "said"),
    [
        ([FREE, FREE], None, "outputs vary over tokens and over images after every block."),
        (
            [ONE_TOKEN, ONE_TOKEN],
            [ONE_TOKEN, ONE_TOKEN],
            "outputs vary over images after every block, also at initialization.",
        ),
        (
            [FREE, FREE, SAME_TOKENS, SAME],
            [FREE, SAME_TOKENS, SAME_TOKENS, SAME_TOKENS],
            "outputs are constant over tokens from block 2 on "
            "(from block 1 on at initialization), over images from block 3 on "
            "(nowhere at initialization). "
            "From the start, blocks 2 to 3 could not tell tokens apart. "
            "Training left block 3 unused.",
        ),
        (
            [FREE, SAME_IMAGES, FREE, SAME_IMAGES, FREE],
            [FREE, FREE, SAME_TOKENS, SAME_IMAGES, FREE],
            "outputs are constant over tokens nowhere (after block 2 at initialization), "
            "over images after blocks 1, 3 (after block 3 at initialization).",
        ),
        (
            [FREE, SAME_TOKENS],
            [FREE, SAME_TOKENS],
            "outputs are constant over tokens from block 1 on (also at initialization), "
            "over images nowhere. From the start, block 1 could not tell tokens apart.",
        ),
        (
            [FREE, SAME],
            None,
            "outputs are constant over tokens from block 1 on, over images from block 1 on.",
        ),
        ([LOST, LOST], None, "whether outputs vary is not known."),
        (
            [FREE, LOST, LOST],
            None,
            "outputs vary over tokens and over images after every other block. "
            "After blocks 1 to 2, they are not finite.",
        ),
        (
            [FREE, SAME_TOKENS, LOST],
            [FREE, SAME_TOKENS, FREE],
            "outputs are constant over tokens after block 1 (also at initialization), "
            "over images nowhere. After block 2, they are not finite.",
        ),
    ],
    ids=str,
)
def test_words_say_what_is_constant_and_since_when(trained, initial, said):
    assert spread_in_words(trained, initial, "acn") == said


def test_blocks_that_never_could_are_told_from_those_that_are_not_used():
    trained, initial = [FREE, SAME, SAME, SAME], [SAME, SAME_TOKENS, SAME_IMAGES, FREE]
    assert never_apart(trained, initial) == [1]
    assert left_unused(trained, initial, "acn") == [1, 3]


def test_what_varies_again_was_told_apart():
    """A large constant makes a share small, and is nothing to the norm of the next block."""
    trained = [FREE, SAME, FREE, SAME]
    assert never_apart(trained, [SAME] * 4) == [3]
    assert left_unused(trained, [FREE] * 4, "acn") == [3]


@pytest.mark.parametrize("connectivity", CONNECTIVITIES)
def test_a_network_that_reads_out_its_last_block_alone_has_one_answer_then(connectivity):
    """Where outputs are constant to the end, so is its readout: nothing else was used."""
    row = CONNECTIVITIES[connectivity]
    unused = left_unused([FREE, SAME_IMAGES], [FREE, FREE], connectivity)
    assert unused == ([] if row.reads is row.readout else [1])
