"""How classes of the data are found among those of a model."""

import numpy as np
import pytest

from acn_eval.checkpoints import Checkpoint, counted, load
from acn_eval.data import Examples, Geometry, PrepareImages
from acn_eval.data.images import ArrayImages
from acn_eval.errors import DataError
from acn_eval.inference import class_map
from tests.checkpoints.files import written_text
from tests.data.test_wordnet import IDS, OFTEN, TORCHVISION
from tests.fakes import fake_checkpoint

ANIMALS = ("cat", "dog", "fox")
AS_TEXT = tuple(sorted(counted(12)))


def model(classes, *, named=True, data=""):
    prepare = PrepareImages(Geometry(8, 1), (0.5,), (0.5,))
    identity = fake_checkpoint("ac_vit")
    return Checkpoint(identity, lambda images: images, prepare, classes, data, named=named)


def shown(classes, chosen=(), *, named=True):
    n = np.arange(len(classes))
    pictures = ArrayImages(np.zeros((len(n), 8, 8, 1), np.uint8))
    examples = Examples("folder:x", "test", n, n, tuple(classes), pictures, n, named=named)
    return examples.only(chosen) if chosen else examples


def match(theirs, classes, chosen=(), *, named=True, data="", **options):
    return class_map(model(theirs, named=named, data=data), shown(classes, chosen), **options)


def refusal(*arguments, **options):
    with pytest.raises(DataError) as caught:
        match(*arguments, **options)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_by_name_whatever_the_order():
    found = match(ANIMALS, ("fox", "cat"))
    assert (found.columns, found.matched) == ((2, 0), "name")


def test_numbers_that_a_source_names_are_names():
    """Ours say which digits; as folders they are sorted as text."""
    assert match(counted(12), AS_TEXT).columns == tuple(map(int, AS_TEXT))
    assert match(counted(5), counted(10), ("3", "4")).columns == (3, 4)


@pytest.mark.parametrize("chosen", [(), ("2", "3")])
def test_labels_without_names_are_no_names(chosen):
    """Label 2 is the class at position 2 of a sorted folder, "10", or the one called 2."""
    theirs, examples = model(AS_TEXT), shown(counted(12), chosen, named=False)
    with pytest.raises(DataError, match=r"must name its classes.*only counts 12"):
        class_map(theirs, examples)
    assert class_map(model(counted(12)), examples).matched == "name"
    names = dict(zip(counted(12), AS_TEXT, strict=True))
    of_some = class_map(theirs, examples, names=names)
    assert of_some.columns == tuple(map(int, examples.classes))


def test_named_numbers_are_never_counted():
    digits = counted(10)
    words = tuple("abcdefghij")
    for order in (None, "position", "name"):
        assert "got a, b, c, d, e, ..." in refusal(digits, words, order=order)


@pytest.mark.parametrize("classes", [counted(12), tuple(f"{i:02}" for i in range(12))])
def test_counted_classes_are_matched_where_number_and_position_agree(classes):
    found = match(counted(12), classes, named=False)
    assert (found.columns, found.matched) == (tuple(range(12)), "number")
    assert match(counted(12), classes, classes[9:4:-2], named=False).columns == (9, 7, 5)


@pytest.mark.parametrize(
    ("classes", "chosen", "got"),
    [
        (AS_TEXT, (), "counts 12, and the data has 12: 0, 1, 10, 11, 2, ..."),
        (AS_TEXT, ("0", "1"), "has 12: 0, 1, 10"),  # the rest of the data shows that they differ
        (tuple("abcdefghijkl"), (), "has 12: a, b, c"),
        (tuple(str(i) for i in range(1, 13)), (), "has 12: 1, 2, 3"),
        (counted(10), (), "counts 12, and the data has 10"),
        (counted(13), (), "has 13"),
        (("x" * 5000, *counted(11)), (), "has 12"),
        (("9" * 5000, *counted(11)), (), "has 12"),
    ],
)
def test_counted_classes_are_refused_where_nobody_says_which_is_which(classes, chosen, got):
    said = refusal(counted(12), classes, chosen, named=False)
    assert got in said
    assert "`class_order`: position" in said
    assert "`class_names`" in said


def test_counted_classes_are_matched_as_it_is_said():
    by_position = match(counted(12), AS_TEXT, named=False, order="position")
    assert (by_position.columns, by_position.matched) == (tuple(range(12)), "position")
    by_name = match(counted(12), AS_TEXT, named=False, order="name")
    assert (by_name.columns, by_name.matched) == (tuple(map(int, AS_TEXT)), "number")
    some = match(counted(12), AS_TEXT, ("10", "2"), named=False, order="position")
    assert some.columns == (2, 4)
    animals = match(counted(3), ANIMALS, ("fox", "dog"), named=False, order="position")
    assert animals.columns == (2, 1)
    assert match(counted(1000), counted(10), named=False, order="name").columns == tuple(range(10))


def test_what_is_said_must_fit():
    assert "counts 1000, and the data has 3" in refusal(
        counted(1000), ANIMALS, named=False, order="position"
    )
    assert "got cat, dog, fox" in refusal(counted(3), ANIMALS, named=False, order="name")
    assert "must be different classes" in refusal(
        counted(3), ("1", "01"), named=False, order="name"
    )


def test_fewer_classes_of_the_data_that_it_was_trained_on():
    own = {"named": False, "data": "folder:x"}
    assert match(counted(5), counted(10), counted(3), **own).columns == (0, 1, 2)
    assert "got 7" in refusal(counted(5), counted(10), ("1", "7"), **own)
    assert "counts 5, and the data has 12: 0, 1, 10" in refusal(counted(5), AS_TEXT, **own)


def test_by_a_mapping():
    names = {"cat": "feline", "dog": "canine"}
    found = match(("feline", "canine", "fox"), ANIMALS, names=names)
    assert (found.columns, found.matched) == ((0, 1, 2), "map")


def test_a_mapping_of_all_classes_needs_no_names():
    found = match(counted(3), tuple("abc"), names={"a": "2", "b": "1", "c": "0"}, named=False)
    assert (found.columns, found.matched) == ((2, 1, 0), "map")
    assert "`class_order`" in refusal(counted(3), tuple("abc"), names={"a": "2"}, named=False)
    some = match(counted(3), tuple("abc"), ("a",), names={"a": "2"}, named=False)
    assert some.columns == (2,)


def test_a_mapping_names_classes_of_the_data():
    """With a typo in it, a class would be matched as if there were no map."""
    said = refusal(ANIMALS, ANIMALS, names={"catt": "dog"})
    assert said == "`class_names`: must name classes of the data (cat, dog, fox); got catt"
    assert match(ANIMALS, ANIMALS, ("cat",), names={"fox": "dog"}).columns == (0,)


def test_two_classes_of_the_data_cannot_be_one_of_the_model():
    """One of them would be wrong on every image."""
    names = {"cat": "pet", "dog": "pet", "fox": "wild"}
    assert "must be different classes of the model" in refusal(
        ("pet", "wild"), ANIMALS, names=names
    )


@pytest.mark.parametrize(
    ("names", "classes", "got"),
    [
        (ANIMALS, ("cat", "cow"), "got cow"),
        (("0", "1"), ANIMALS, "got cat, dog, fox"),
        (ANIMALS, tuple("abcdefg"), "got a, b, c, d, e, ..."),
    ],
)
def test_a_foreign_class_is_refused(names, classes, got):
    said = refusal(names, classes)
    assert f"{got}. " in said
    assert "`classes`" in said
    assert "`class_names`" in said


def test_masked_tokens_are_no_classes(tmp_path):
    """A piece of the vocabulary can be named in a map, but a network has one for every token."""
    path = written_text(tmp_path / "mlm.pt", arch={"head": "mlm", "classes": 9}, classes=())
    checkpoint = load(str(path))
    maps = ({}, {"cat": "good", "dog": "bad"})
    for names in maps:
        with pytest.raises(
            DataError, match=r"it finds masked tokens\. Fine-tune it by `start_from`"
        ):
            class_map(checkpoint, shown(("cat", "dog")), names=names)
    own = class_map(checkpoint, shown(checkpoint.classes))
    assert own.columns == tuple(range(9))


WNIDS = ("n01443537", "n02012849", "n03126707")  # goldfish; crane, the bird; crane, the machine


def test_classes_of_imagenet_are_matched_by_wordnet_id():
    """However each side spells them, and in whatever order the folders lie."""
    for theirs in (IDS, OFTEN, TORCHVISION):
        found = match(theirs, WNIDS[::-1])
        assert found.columns == (517, 134, 1)
        assert found.matched == ("name" if theirs is IDS else "wordnet")
    assert match(WNIDS, ("n02012849", "goldfish")).columns == (1, 0)
    assert "got unicorn, crane" in refusal(OFTEN[::-1], ("unicorn", "crane", "goldfish"))


def test_a_permuted_network_is_matched_to_permuted_folders():
    order = np.random.default_rng(2).permutation(1000)
    theirs = tuple(OFTEN[i] for i in order if "crane" not in OFTEN[i])
    classes = tuple(IDS[i] for i in np.random.default_rng(3).permutation(1000)[:200])
    known = [c for c in classes if c not in WNIDS]
    found = match(theirs, classes, known)
    assert [theirs[i] for i in found.columns] == [OFTEN[IDS.index(c)] for c in known]


def test_counted_logits_in_the_order_of_imagenet():
    options = {"named": False, "order": "imagenet"}
    found = match(counted(1000), WNIDS, **options)
    assert (found.columns, found.matched) == ((1, 134, 517), "wordnet")
    assert match(counted(1000), ("goldfish", "tench"), **options).columns == (1, 0)
    for strange in (("goldfish", "tench"), ("n01443537", "n99999999")):
        said = refusal(counted(1000), strange, named=False)
        assert "imagenet (i is ImageNet's class i)" in said
    assert "it only counts 999" in refusal(counted(999), WNIDS, **options)
    assert "got cow" in refusal(counted(1000), ("cow", "goldfish"), **options)


def test_a_thousand_logits_and_wordnet_ids_are_imagenet():
    """Counted by ImageNet or by the order of its folders: both are the order of the ids."""
    found = match(counted(1000), WNIDS[::-1], named=False)
    assert (found.columns, found.matched) == ((517, 134, 1), "wordnet")
    every = match(counted(1000), tuple(sorted(IDS)), named=False)
    assert every.columns == tuple(range(1000))
    assert every.columns == match(counted(1000), IDS, named=False, order="position").columns
    assert "only counts 999" in refusal(counted(999), WNIDS, named=False)


def test_a_map_goes_before_wordnet():
    found = match(OFTEN, ("n01443537", "red"), names={"red": "kite"})
    assert (found.columns, found.matched) == ((1, 21), "map")
