"""Pruning: how much accuracy is left when weights are removed?"""

__all__: list[str] = []
