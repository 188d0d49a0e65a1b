"""Compression: how many of its layers does a network need, and at what cost?"""

__all__: list[str] = []
