"""The command line: options in, one call, words out; the only place that prints."""

__all__: list[str] = []
