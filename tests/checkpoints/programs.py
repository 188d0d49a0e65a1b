"""Archives of torch.save around any pickle program."""

import zipfile

import pytest

from acn_eval.checkpoints.weight_files import read_pickle
from acn_eval.errors import CheckpointError


def archive(path, program, storages=(b"\0" * 16,), compression=zipfile.ZIP_STORED):
    """An archive of torch.save around any pickle program."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("a/data.pkl", program)
        file.writestr("a/byteorder", "little")
        for key, content in enumerate(storages):
            file.writestr(f"a/data/{key}", content)
        file.writestr("a/version", "3\n")
    return path


def refused(path):
    with pytest.raises(CheckpointError) as caught:
        read_pickle(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def weight(size, stride, numel=4, offset=0):
    """A program that makes one tensor of a storage of `numel` float32 numbers."""
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n"
        b"X\x01\0\0\0" + b"0X\x03\0\0\0cpu" + int_(numel) + b"tQ" + int_(offset)
        + ints(size) + ints(stride) + b"\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def int_(value):
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def ints(values):
    return b"(" + b"".join(int_(v) for v in values) + b"t"


def program(*values):
    """A pickle of ``{"0": values[0], ...}``."""
    keys = (b"X\x01\0\0\0" + str(i).encode() for i in range(len(values)))
    items = b"".join(key + value for key, value in zip(keys, values, strict=True))
    return b"\x80\x02}(" + items + b"u."
