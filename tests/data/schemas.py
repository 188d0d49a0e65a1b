"""Parquet files of a schema alone, written field by field: larger than pyarrow could write it."""


def _varint(number):
    low, more = number & 127, number >> 7
    return bytes([low | 128]) + _varint(more) if more else bytes([low])


def integer(number):
    """Thrift's compact form of an integer that is not negative."""
    return _varint(2 * number)


def _listed(structs):
    return bytes([0x19, 0xFC]) + _varint(len(structs)) + b"".join(structs)


def _group(name, children):
    return b"\x35\2\x18" + _varint(len(name)) + name + b"\x15" + integer(children) + b"\0"


def _leaf(name):
    return b"\x15\4\x25\2\x18" + _varint(len(name)) + name + b"\0"


def _without_rows(top, elements):
    """A file of a schema alone: the number of columns and groups on top, and all, depth first."""
    footer = (
        b"\x15\2" + _listed([_group(b"schema", top), *elements]) + b"\x16\0" + _listed([]) + b"\0"
    )
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def deep(groups):
    """A column in groups, each within another."""
    return _without_rows(1, [*[_group(b"a", 1)] * groups, _leaf(b"x")])


def wide(columns, name=b"a"):
    """Columns side by side."""
    return _without_rows(columns, [_leaf(b"%s%d" % (name, i)) for i in range(columns)])
