"""Loads what its owner trusts: this runs code from a file, and `acn-eval convert` alone does it.

Everything else in acn-eval reads tensors. Nobody but `acn_eval.checkpoints.convert` may import
this module, which a test checks, and it asks only where its caller was told to trust the file.
"""

from pathlib import Path
from pickle import PickleError
from zipfile import is_zipfile

import mlflow.pytorch
import torch
from mlflow.exceptions import MlflowException

from acn_eval.errors import DAMAGED, CheckpointError

__all__ = ["FLAVOUR", "run_trusted"]

FLAVOUR = "MLmodel"
"""The file that makes a folder a model of MLflow."""


def run_trusted(place: Path) -> object:
    """Return what a file of ``torch.save`` or ``torch.export``, or a model of MLflow, holds.

    **Runs any code that the file contains or names.**

    Raises:
        CheckpointError: it is none of these, or its code cannot be imported.
    """
    try:
        if (place / FLAVOUR).is_file():
            return mlflow.pytorch.load_model(str(place), map_location="cpu", weights_only=False)
        if place.suffix == ".pt2":
            if not is_zipfile(place):  # torch would print a traceback
                raise ValueError("it is no archive")
            return torch.export.load(place).module()
        return torch.load(place, map_location="cpu", weights_only=False)
    except ImportError as exc:
        remedy = "Name the folder of that code in PYTHONPATH."
        raise CheckpointError(f"{place}: its code must be importable; {exc}. {remedy}") from exc
    except (*DAMAGED, MlflowException, PickleError) as exc:
        raise CheckpointError(f"{place}: must be a network of torch; {exc}") from exc
