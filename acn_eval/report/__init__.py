"""A report: one page that says what a comparison found, how, and how sure that is."""

__all__: list[str] = []
