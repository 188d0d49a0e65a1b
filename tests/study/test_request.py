"""A request: the examples and classes that selection and cards decide."""

import numpy as np
import pytest

from acn_eval import evaluate
from acn_eval.corruptions import Gaussian
from acn_eval.data import open_examples
from acn_eval.errors import ConfigError, DataError
from acn_eval.evaluation import DataSelection
from acn_eval.studies.robustness.suite import Robustness
from tests.tiny import checkpoint, linear, npz

SUITE = Robustness(name="short", corruptions=(Gaussian(levels=(0.2,)),))


def test_without_data_the_card_decides(tiny, runtime):
    (result,) = evaluate([checkpoint(tiny)], SUITE, runtime=runtime)
    assert (result.data.name, result.data.split, result.data.n) == ("digits", "test", 352)
    assert result.data.fingerprint == open_examples("digits").fingerprint


def test_without_data_the_classes_are_those_of_the_card(runtime):
    (result,) = evaluate([linear(classes=tuple("01234"))], SUITE, runtime=runtime)
    assert result.data.classes == tuple("01234")
    assert result.data.n == int((open_examples("digits").labels < 5).sum())


def test_two_cards_share_the_classes_that_both_know(tiny, runtime):
    sides = [checkpoint(tiny), linear(classes=tuple("98765"))]
    results = evaluate(sides, SUITE, runtime=runtime)
    assert results[0].data.classes == results[1].data.classes == tuple("56789")
    alone = evaluate([sides[0]], SUITE, runtime=runtime)[0]
    whole = dict(zip(alone.cells[0].ids, alone.cells[0].values, strict=True))
    assert [whole[i] for i in results[0].cells[0].ids] == results[0].cells[0].values.tolist()


@pytest.mark.parametrize("others", [[linear(data="")], [linear(data="cifar10")]])
def test_cards_that_do_not_agree_need_a_choice(tiny, others, runtime):
    with pytest.raises(DataError, match="`data`: must be given"):
        evaluate([checkpoint(tiny), *others], SUITE, runtime=runtime)
    (_, second) = evaluate(
        [checkpoint(tiny), *others], SUITE, DataSelection("digits", limit=5), runtime=runtime
    )
    assert second.data.name == "digits"


def test_classes_by_choice_map_and_restriction(tmp_path, runtime):
    data = npz(tmp_path, ["feline", "seven"])
    model = linear(classes=("cat", "7", "dog"), data="")
    with pytest.raises(DataError, match="got feline, seven"):
        evaluate([model], SUITE, DataSelection(data), runtime=runtime)
    names = {"feline": "cat", "seven": "7"}
    (free,) = evaluate([model], SUITE, DataSelection(data, class_names=names), runtime=runtime)
    (bound,) = evaluate(
        [model], SUITE, DataSelection(data, class_names=names, restricted=True), runtime=runtime
    )
    assert set(free.cells[0].predicted) == {-1, 0, 1}
    assert set(bound.cells[0].predicted) == {0, 1}
    inside = free.cells[0].predicted >= 0
    assert np.array_equal(bound.cells[0].predicted[inside], free.cells[0].predicted[inside])
    assert bound.key != free.key
    (one,) = evaluate([model], SUITE, DataSelection(data, classes=("seven",), class_names=names))
    assert one.data.classes == ("seven",)
    assert one.data.n == 15
    assert (one.details["all_classes"], "all_classes" in free.details) == (2, False)


WORDS = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay"]


@pytest.mark.parametrize("order", [None, "position", "name"])
def test_a_network_of_digits_says_nothing_about_ten_other_classes(tmp_path, tiny, runtime, order):
    """Its card names digits: to count them would be a verdict on something else."""
    selection = DataSelection(npz(tmp_path, WORDS), class_order=order)
    with pytest.raises(DataError if order is None else ConfigError) as caught:
        evaluate([checkpoint(tiny)], SUITE, selection, runtime=runtime)
    assert "`class_names`" in str(caught.value)


def test_unknown_classes_and_data_are_refused(tiny, runtime):
    with pytest.raises(DataError, match="got ten"):
        evaluate(
            [checkpoint(tiny)], SUITE, DataSelection("digits", classes=("ten",)), runtime=runtime
        )
    with pytest.raises(DataError, match="data must be digits"):
        evaluate([checkpoint(tiny)], SUITE, DataSelection("minst"), runtime=runtime)


def test_what_is_read_is_asked_before_classes_are(tiny, runtime):
    with pytest.raises(DataError, match="sentences: must hold images, which the network reads"):
        evaluate([checkpoint(tiny)], SUITE, DataSelection("synthetic-sentences"), runtime=runtime)


def test_the_limit_is_a_prefix_of_the_whole(tiny, runtime):
    ids = [
        evaluate([checkpoint(tiny)], SUITE, DataSelection(limit=n), runtime=runtime)[0]
        .cells[0]
        .ids
        for n in (20, 60, None)
    ]
    assert len(ids[2]) == 352
    assert np.array_equal(ids[0], ids[1][:20])
    assert np.array_equal(ids[1], ids[2][:60])
    assert not np.array_equal(ids[2], np.sort(ids[2]))


def test_a_class_map_may_leave_classes_out_and_the_result_says_so(tmp_path, runtime):
    data = npz(tmp_path, ["feline", "seven", "yeti"], n=31)
    model = linear(classes=("cat", "7", "dog"), data="")
    names = {"feline": "cat", "seven": "7", "yeti": None}
    chosen = DataSelection(data, class_names=names)
    (result,) = evaluate([model], SUITE, chosen, runtime=runtime)
    assert result.data.classes == ("feline", "seven")
    assert result.data.n == 21
    said = "the class map leaves out 1 of 3 classes, 10 of 31 images"
    assert [w for w in result.warnings if said in w] == [f"{data}: {said}"]
    assert result.details["all_classes"] == 3
    with pytest.raises(DataError, match="must leave out classes of the data; got unicorn"):
        evaluate([model], SUITE, DataSelection(data, class_names={"unicorn": None}))
    none = dict.fromkeys(("feline", "seven", "yeti"))
    with pytest.raises(DataError, match="none left"):
        evaluate([model], SUITE, DataSelection(data, class_names=none), runtime=runtime)
