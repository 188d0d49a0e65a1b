"""Tables of images as Hugging Face writes them, for the tests that read them."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

IMAGE = {"_type": "Image"}
CLASSES = ("fox", "ant", "cat")  # not in the order of the alphabet


def label_of(names=CLASSES):
    return {"names": list(names), "_type": "ClassLabel"}


def pixels(n, side=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def encoded(image, kind="PNG"):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind)
    return stream.getvalue()


def table(images, labels, features=None, **more):
    """A table with the columns image {bytes, path} and label, and the features of Hugging Face."""
    rows = [{"bytes": encoded(image), "path": f"{i}.png"} for i, image in enumerate(images)]
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    found = pa.table({"image": pa.array(rows, kind), "label": pa.array(labels), **more})
    features = {"image": IMAGE, "label": label_of()} if features is None else features
    said = json.dumps({"info": {"features": features}})
    return found.replace_schema_metadata({"huggingface": said} if features else {})


def parquet(path, content, rows=4):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(content, path, row_group_size=rows)
    return path


def arrow(path, content, rows=4, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    with pa.ipc.new_stream(path, content.schema, options=pa.ipc.IpcWriteOptions(**options)) as out:
        out.write_table(content, max_chunksize=rows)
    return path


def saved(folder, content, shards=2):
    """One split as ``Dataset.save_to_disk`` writes it."""
    size = -(-len(content) // shards)
    names = [f"data-{i:05}-of-{shards:05}.arrow" for i in range(shards)]
    for i, name in enumerate(names):
        arrow(folder / name, content.slice(i * size, size))
    files = [{"filename": name} for name in names]
    (folder / "state.json").write_text(json.dumps({"_data_files": files, "_split": "x"}))
    return folder


def saved_splits(folder, **splits):
    """Several splits as ``DatasetDict.save_to_disk`` writes them."""
    for name, content in splits.items():
        saved(folder / name, content)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": [*splits]}))
    return folder


def one(kind, folder, content):
    """The test set of a table in a file, or in a folder."""
    if kind == "parquet":
        return f"parquet:{parquet(folder / 'set.parquet', content)}"
    return f"hfds:{saved(folder / 'set', content)}"
