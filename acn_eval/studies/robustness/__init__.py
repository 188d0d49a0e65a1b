"""Robustness: is it more accurate under corruptions?"""

__all__: list[str] = []
