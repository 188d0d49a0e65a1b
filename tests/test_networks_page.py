"""docs/networks.md lists what the code has."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from acn_eval.checkpoints.layouts import OFFICIAL
from acn_eval.errors import ConfigError
from acn_eval.models import AnyArch, build, read_arch
from acn_eval.models.connectivity import CONNECTIVITIES

PAGE = (Path(__file__).parents[1] / "docs" / "networks.md").read_text()
KINDS = TypeAdapter(AnyArch).json_schema()["discriminator"]["mapping"]
UNITS = {"sub-layer": "sublayer", "block": "block"}


def rows(title):
    """Cells of the table whose head begins with this."""
    (table,) = [part for part in PAGE.split("\n\n") if part.startswith(f"| {title} |")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def kind_of(fields, **changes):
    return read_arch({"kind": fields, **changes}, "page")


def test_every_connectivity_stands_there_with_its_usual_grain_and_skips():
    stated = {
        row[0].strip("`"): (UNITS[row[3]], row[4] or "none") for row in rows("`connectivity`")
    }
    assert stated == {name: (row.grain, row.skips) for name, row in CONNECTIVITIES.items()}


def test_every_kind_stands_there_with_its_start():
    stated = {row[0].split("`")[1]: row[3].lower() for row in rows("`kind`")}
    built = {kind: build(kind_of(kind)) for kind in KINDS}
    assert stated == {
        kind: {"xavier": "xavier", "torch": "pytorch", "normal": "normal"}[network.start]
        for kind, network in built.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kind_admits_is_what_stands_there(kind):
    (row,) = [row for row in rows("kind") if f"`{kind}`" in row[0]]
    for name in CONNECTIVITIES:
        if row[1] == "all" or f"`{name}`" in row[1]:
            assert kind_of(kind, connectivity=name).kind == kind
        else:
            with pytest.raises(ConfigError):
                kind_of(kind, connectivity=name)
    for grain in ("block", "sublayer"):
        if row[2] in ("both", grain):
            assert kind_of(kind, grain=grain).unit == grain
        else:
            with pytest.raises(ConfigError):
                kind_of(kind, grain=grain)


def test_every_file_of_the_authors_stands_there():
    stated = [name for row in rows("`--arch`") for name in row[0].replace("`", "").split(", ")]
    assert stated == list(OFFICIAL)
