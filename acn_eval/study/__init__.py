"""What every study is: its config, its analysis, its units and their loop, its record."""

__all__: list[str] = []
