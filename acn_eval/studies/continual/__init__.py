"""Continual learning: how much is forgotten when tasks come in turn?"""

__all__: list[str] = []
