"""From a model that MLflow has loaded to a checkpoint, and from rows to images."""

import hashlib
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from torch import nn

from acn_eval.checkpoints import Checkpoint, counted, from_module, load
from acn_eval.data import ArrayImages, EncodedImages, Examples, Geometry, PrepareImages
from acn_eval.errors import ConfigError, DataError
from acn_eval.mlflow_plugin.plan import Plan, Reads, reads_of

__all__ = ["baseline_of", "checkpoint_of", "network_of", "written"]


def network_of(model: Any, what: str) -> nn.Module:
    """Return a module, or that of a pyfunc; raise `ConfigError` where there is none."""
    if isinstance(model, nn.Module):
        return model
    try:
        inner = model.get_raw_model()
    except (AttributeError, NotImplementedError):
        inner = None
    if not isinstance(inner, nn.Module):
        msg = f"{what}: must hold a torch network, as mlflow.pytorch.log_model leaves it"
        raise ConfigError(f"{msg}; got {type(inner if inner is not None else model).__name__}")
    return inner


def checkpoint_of(network: nn.Module, reads: Reads, examples: Examples, name: str) -> Checkpoint:
    """Return the network as a checkpoint for these examples.

    Raises:
        ConfigError: mean and std do not fit, or the examples are no images.
        CheckpointError: there is not one logit per class, or weights are no finite numbers.
    """
    if not isinstance(examples.inputs, ArrayImages | EncodedImages):
        raise ConfigError(f"{name}: data must be images; got {examples.inputs.modality}")
    channels, height, width = examples.inputs.shape()
    geometry = Geometry(reads.size or min(height, width), reads.channels or channels)
    plain = (0.0,) * geometry.channels, (1.0,) * geometry.channels
    mean, std = reads.mean or plain[0], reads.std or plain[1]
    if not len(mean) == len(std) == geometry.channels:
        msg = f"{name}: mean and std must have one number for each of {geometry.channels} channels"
        raise ConfigError(f"{msg}; got {mean} and {std}")
    return from_module(
        network,
        name=reads.name or name,
        classes=reads.classes or counted(len(examples.classes)),
        prepare=PrepareImages(geometry, mean, std),
        data=examples.name,
    )


def baseline_of(plan: Plan, examples: Examples) -> Checkpoint | None:
    """Return the baseline; no code of a file is run where it is an address of acn-eval.

    The plan describes the input of a module in memory, its metadata that of a loaded model.
    """
    if plan.baseline is None or isinstance(plan.baseline, str):
        if not plan.baseline:
            return None
        return load(plan.baseline, plan.baseline_arch, tracking_uri=mlflow.get_tracking_uri())
    network = network_of(plan.baseline, "baseline")
    of_module = plan.model_copy(update={"name": ""})
    reads = of_module if network is plan.baseline else reads_of(plan.baseline, None)
    return checkpoint_of(network, reads, examples, "baseline")


def written(
    rows: Any, labels: Any, image: tuple[int, ...] | None, reads: Reads, folder: Path
) -> str:
    """Write rows and labels as a data set into a folder; return its name, made of its content.

    Args:
        rows: uint8 (n, height * width * channels): MLflow accepts no other shape.
        labels: (n,) integers from 0, in the order of the logits.
        image: (height, width, channels) of a row.
        reads: its classes name the labels.
        folder: of the data set.

    Raises:
        ConfigError: the shape is not given, or the rows do not have it.
        DataError: the rows are no pixels.
    """
    pixels, answers = np.asarray(rows), np.asarray(labels)
    if image is None:
        msg = "evaluator_config: image must be (height, width, channels) of a row; not given"
        raise ConfigError(f"{msg}. Or name a data set with data.")
    if pixels.dtype != np.uint8:
        msg = f"data: rows must be uint8, 0 to 255; got {pixels.dtype}"
        raise DataError(f"{msg}. Fractions become pixels by (255 * x).round().astype('uint8').")
    if pixels.ndim != 2 or pixels.shape[1] != np.prod(image):
        msg = f"evaluator_config: image must fit rows of {pixels.shape[1:]}; got {image}"
        raise ConfigError(msg)
    content = hashlib.sha256(pixels.tobytes() + answers.tobytes()).hexdigest()[:12]
    file = folder / f"mlflow-{content}.npz"
    arrays: dict[str, Any] = {"images": pixels.reshape(-1, *image), "labels": answers}
    if reads.classes:
        arrays["classes"] = np.array(reads.classes)
    np.savez(file, **arrays)
    return f"npz:{file.name}"
