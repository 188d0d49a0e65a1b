"""The pages of the service: HTML that is complete without JavaScript, and kept fresh with it."""

__all__: list[str] = []
