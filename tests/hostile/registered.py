"""Hostile models, each a folder as MLflow keeps it, and the file that anyone might name."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import yaml

from tests.checkpoints.library_files import network, with_card
from tests.hostile.checkpoints import Runs

_EVIL = "import os\nos.makedirs({marker!r})\n"


class Attack(NamedTuple):
    """A folder to write, and the file in it that a user would name; "" for the folder."""

    write: Callable[[Path, Path], object]
    file: str


def _saved(value: object) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def runs(marker: Path) -> Runs:
    """What makes a folder when it is unpickled."""
    return Runs(os.makedirs, str(marker))


def _pickle(folder: Path, marker: Path) -> None:
    (folder / "net.pt").write_bytes(_saved({"state": runs(marker)}))


def _bare(folder: Path, marker: Path) -> None:
    (folder / "net.pt").write_bytes(pickle.dumps(runs(marker)))


def _logged(folder: Path, marker: Path) -> None:
    """As mlflow.pytorch wrote it before it exported."""
    (folder / "data").mkdir()
    (folder / "data" / "model.pth").write_bytes(_saved(runs(marker)))
    (folder / "data" / "pickle_module_info.txt").write_text("mlflow.pytorch.pickle_module")
    _flavours(folder, pytorch={"model_data": "data", "pytorch_version": str(torch.__version__)})


def _exported(folder: Path, marker: Path) -> None:
    """A real archive of torch.export, one of whose records is a pickle."""
    (folder / "data").mkdir()
    image = torch.ones(1, 3, 24, 24)
    stream = io.BytesIO()
    torch.export.save(torch.export.export(network(), (image,)), stream)
    with zipfile.ZipFile(stream) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    config = next(name for name in held if name.endswith("model_weights_config.json"))
    said = json.loads(held[config])
    first = next(iter(said["config"].values()))
    first["use_pickle"] = True
    held[config] = json.dumps(said).encode()
    held[config.replace("model_weights_config.json", first["path_name"])] = _saved(runs(marker))
    with zipfile.ZipFile(folder / "data" / "model.pt2", "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    _flavours(folder, pytorch={"model_data": "data", "pytorch_version": str(torch.__version__)})


def _renamed(folder: Path, marker: Path) -> None:
    _exported(folder, marker)
    (folder / "data" / "model.pt2").rename(folder / "net.pt")


def _code_paths(folder: Path, marker: Path) -> None:
    (folder / "code").mkdir()
    (folder / "code" / "evil.py").write_text(_EVIL.format(marker=str(marker)))
    own = {"loader_module": "mlflow.pytorch", "code": "code", "data": "data"}
    _flavours(folder, python_function=own, pytorch={"model_data": "data", "code": "code"})


def _loader(folder: Path, marker: Path) -> None:
    _code_paths(folder, marker)
    _flavours(folder, python_function={"loader_module": "evil", "code": "code"})


def _flavours(folder: Path, **flavours: object) -> None:
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavours}))


def _bomb(folder: Path, marker: Path) -> None:
    deflated = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(folder / "net.pt", "w", deflated, compresslevel=1) as archive:
        archive.writestr("a/data.pkl", bytes(2**29))


def _header(size: int, **first: object) -> Callable[[Path, Path], None]:
    def write(folder: Path, marker: Path) -> None:
        text = json.dumps({"a": {"dtype": "F32", "data_offsets": [0, 0], **first}}).encode()
        content = (size or len(text)).to_bytes(8, "little") + text
        with_card(folder / "net.safetensors")
        (folder / "net.safetensors").write_bytes(content)

    return write


def _card(**fields: object) -> Callable[[Path, Path], None]:
    return lambda folder, marker: with_card(folder / "net.safetensors", **fields)


def _aliases(folder: Path, marker: Path) -> None:
    with_card(folder / "net.safetensors")
    rows = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
    (folder / "net.card.yaml").write_text(f"a0: &a0 [x]\n{rows}model: *a29\n")


def _tagged(folder: Path, marker: Path) -> None:
    with_card(folder / "net.safetensors")
    call = f"model: !!python/object/apply:os.makedirs [{json.dumps(str(marker))}]\n"
    (folder / "net.card.yaml").write_text(call)


ATTACKS = {
    "a pickle": Attack(_pickle, "net.pt"),
    "a bare pickle": Attack(_bare, "net.pt"),
    "a logged pickle": Attack(_logged, "data/model.pth"),
    "an export with a pickle in it": Attack(_exported, "data/model.pt2"),
    "an export by another name": Attack(_renamed, "net.pt"),
    "code_paths": Attack(_code_paths, ""),
    "a foreign loader_module": Attack(_loader, ""),
    "a zip bomb": Attack(_bomb, "net.pt"),
    "a huge header": Attack(_header(2**62), "net.safetensors"),
    "a huge tensor": Attack(_header(0, shape=[2**40, 2**20]), "net.safetensors"),
    "a card of a huge network": Attack(
        _card(model="timm:vit_large_patch32_224", arguments={}), "net.safetensors"
    ),
    "a card of endless blocks": Attack(_card(arguments={"depth": 4096}), "net.safetensors"),
    "a card that unfolds": Attack(_aliases, "net.safetensors"),
    "a card that calls": Attack(_tagged, "net.safetensors"),
}
RUNNING = ("a logged pickle", "an export with a pickle in it")
"""Of which MLflow's own loader does run what they hold."""
