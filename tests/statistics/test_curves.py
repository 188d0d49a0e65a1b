"""Conditions become curves."""

from acn_eval.statistics.curves import EXIT, PER_CLASS, curves

AXES = (EXIT, PER_CLASS)


def levels(conditions):
    lines = curves(conditions, AXES).lines
    return {name: [place.level for place in places] for name, places in lines.items()}


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


def test_exits_are_the_axis_where_there_are_any_and_levels_are_then_lines():
    clean = {"corruption": "clean", "level": 0.0}
    noisy = {"corruption": "gaussian", "level": 0.1, "space": "pixel"}
    conditions = [{**c, "exit": k} for c in (clean, noisy) for k in (2, 0, 1, "cut")]
    found = curves(conditions, AXES)
    assert (found.axis.field, found.axis.steps) == ("exit", 1)
    assert [place.at for place in found.lines["clean"]] == [1, 2, 0]
    assert [place.at for place in found.drawn()["gaussian_0.1"]] == [5, 6, 4]
    assert found.named == {"cut/clean": 3, "cut/gaussian_0.1": 7}


def test_named_exits_are_points_of_their_own():
    """The clean examples at two depths are not one point: MLflow takes a metric once per step."""
    clean = {"corruption": "clean", "level": 0.0}
    conditions = [{**clean, "exit": name} for name in ("layer1", "head", "last")]
    names = {f"clean_exit_{name}": [0.0] for name in ("layer1", "head", "last")}
    assert levels(conditions) == names


def test_named_exits_alone_leave_the_levels_as_the_axis():
    conditions = [{"corruption": "clean", "level": 0.0, "exit": "last"}]
    conditions += [{"corruption": "gaussian", "level": 0.1, "exit": "last"}]
    found = curves(conditions, AXES)
    assert found.axis.field == "level"
    assert [place.at for place in found.drawn()["gaussian"]] == [0, 1]


def test_sizes_of_training_sets_are_a_logarithmic_axis():
    conditions = [{"corruption": "clean", "level": 0.0, "per_class": k} for k in (20, 5)]
    found = curves(conditions, AXES)
    assert found.axis.logarithmic
    assert levels(conditions) == {"clean": [5, 20]}


def test_readings_and_protocols_name_a_line_by_their_value():
    conditions = [
        {"corruption": "clean", "level": 0.0, "exit": k, "reading": reading}
        for reading in ("stream", "block")
        for k in (0, 1)
    ]
    assert list(curves(conditions, AXES, {"reading"}).lines) == ["clean_stream", "clean_block"]


def test_sizes_of_training_sets_are_lines_of_their_own_over_depth():
    conditions = [
        {"corruption": "clean", "level": 0.0, "exit": k, "per_class": size}
        for size in (1, 5)
        for k in (0, 1, "last")
    ]
    found = curves(conditions, AXES)
    assert levels(conditions) == {"clean_per_class_1": [0, 1], "clean_per_class_5": [0, 1]}
    assert list(found.named) == ["last/clean_per_class_1", "last/clean_per_class_5"]


def test_fields_of_another_corruption_are_no_part_of_a_name():
    gaussian = {"corruption": "gaussian", "space": "pixel", "per": "element", "clip": True}
    pepper = {"corruption": "salt_pepper", "space": "pixel", "per": "pixel", "salt": 0.5}
    conditions = [{"corruption": "clean", "level": 0.0}]
    conditions += [{**gaussian, "level": level} for level in (0.1, 0.2)]
    conditions += [{**pepper, "level": level} for level in (0.01, 0.05)]
    assert list(curves(conditions).lines) == ["clean", "gaussian", "salt_pepper"]
