"""Axes that several studies share."""

from acn_eval.statistics.curves import Axis

__all__ = ["EXIT", "PER_CLASS"]

EXIT = Axis("exit", "blocks executed", place="exit {}", mapped=True)
PER_CLASS = Axis("per_class", "training images per class", logarithmic=True, place="{} per class")
