"""Calibration on the page is that of the stored cells."""

from tests.report.pages import numbers


def test_calibration_is_that_of_the_cells(read, about):
    import numpy as np

    from acn_eval.statistics.calibration import calibration

    rows = read.rows("calibration")
    assert len(rows) == 4
    for row in rows:
        result = about.sides[row["network"][0]][0]
        clean = row["examples"][0] == "clean examples"
        cells = [c for c in result.cells if (c.condition["corruption"] == "clean") == clean]
        expected = calibration(
            np.concatenate([c.confidence for c in cells]),
            np.concatenate([c.values for c in cells]),
        )
        assert numbers(row["ECE"]) == {"value": expected.ece}
        assert numbers(row["ECE by chance"]) == {"value": expected.chance}
        assert numbers(row["predictions"]) == {"value": sum(len(c.ids) for c in cells)}
