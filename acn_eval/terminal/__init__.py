"""What commands share: options, console, progress bars and tables."""

__all__: list[str] = []
