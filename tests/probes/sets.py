"""Small real data sets as features, standardized, in three splits."""

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from acn_eval.probes import PROTOCOLS, Features, Test, Train, Validation
from acn_eval.seeds import keyed_order

SETS = {"digits": load_digits, "wine": load_wine, "breast_cancer": load_breast_cancer}


def arrays(name):
    """Features float32 (n, width), standardized, and labels (n,)."""
    data = SETS[name]()
    std = data.data.std(axis=0)
    x = (data.data - data.data.mean(axis=0)) / np.where(std > 0, std, 1)
    return x.astype(np.float32), data.target.astype(np.int64)


def features(split, x, labels, ids=None):
    ids = np.arange(len(x)) if ids is None else ids
    return Features(split, x, labels, ids, int(labels.max()) + 1)


def splits(name):
    """Train (half), validation and test (a quarter each)."""
    x, labels = arrays(name)
    order = keyed_order(np.arange(len(x)), "probes")
    half, quarter = len(x) // 2, 3 * len(x) // 4
    parts = order[:half], order[half:quarter], order[quarter:]
    return [
        features(split, x[where], labels[where], where)
        for split, where in zip((Train, Validation, Test), parts, strict=True)
    ]


PENALTIES = (1e3, 10.0, 1.0, 0.1)


TOLERANCE = 1e-7


def exact(name):
    x, labels = arrays(name)
    return x.astype(np.float64), labels


def outputs(solution, x):
    return x @ solution.weights.T + solution.bias


CPU = torch.device("cpu")


LINEAR = PROTOCOLS["linear"]
