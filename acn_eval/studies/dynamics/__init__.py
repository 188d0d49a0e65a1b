"""Dynamics: which layers learn, and when?"""

__all__: list[str] = []
