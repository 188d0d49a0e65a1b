"""Who may do what: tokens, guards of requests, allowed sources, and a log of what was done."""

__all__: list[str] = []
