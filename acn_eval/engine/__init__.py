"""Engines: where the tasks of a study run; they decide speed, and never a bit of what is found."""

__all__: list[str] = []
