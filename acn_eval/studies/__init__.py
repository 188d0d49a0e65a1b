"""The studies, one room each; `table` is the only list of them."""

__all__: list[str] = []
