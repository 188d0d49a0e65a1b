"""Transfer: what are the features of every depth worth on other data?"""

__all__: list[str] = []
