"""Dynamics: gradients per layer and accuracy per exit while networks are trained."""

__all__: list[str] = []
