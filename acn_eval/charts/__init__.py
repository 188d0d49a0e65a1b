"""Charts: the same panels for the figures beside a result and for the page of a report."""

__all__: list[str] = []
