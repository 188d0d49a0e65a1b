"""Conditions become curves."""

from acn_eval.statistics.curves import curves


def levels(conditions):
    return {name: [place.level for place in places] for name, places in curves(conditions).items()}


def test_levels_are_sorted_and_spaces_are_curves_of_their_own():
    conditions = [
        {"corruption": "gaussian", "level": 0.4, "space": "pixel"},
        {"corruption": "gaussian", "level": 0.1, "space": "pixel"},
        {"corruption": "gaussian", "level": 0.1, "space": "normalized"},
    ]
    assert levels(conditions) == {"gaussian": [0.1, 0.4], "gaussian_normalized": [0.1]}


def test_a_field_names_the_curve_only_where_it_differs():
    base = {"corruption": "gaussian", "level": 0.1, "clip": True}
    assert levels([{**base, "per": "pixel"}]) == {"gaussian": [0.1]}
    both = [{**base, "per": "pixel"}, {**base, "per": "element"}]
    assert levels(both) == {"gaussian_per_pixel": [0.1], "gaussian_per_element": [0.1]}


def test_only_the_last_exit_counts():
    conditions = [{"corruption": "clean", "level": 0.0, "exit": exit} for exit in (2, 8, 4)]
    assert [place.at for place in curves(conditions)["clean"]] == [1]


def test_fields_of_another_corruption_are_no_part_of_a_name():
    gaussian = {"corruption": "gaussian", "space": "pixel", "per": "element", "clip": True}
    pepper = {"corruption": "salt_pepper", "space": "pixel", "per": "pixel", "salt": 0.5}
    conditions = [{"corruption": "clean", "level": 0.0}]
    conditions += [{**gaussian, "level": level} for level in (0.1, 0.2)]
    conditions += [{**pepper, "level": level} for level in (0.01, 0.05)]
    assert list(curves(conditions)) == ["clean", "gaussian", "salt_pepper"]
