"""Low data: who learns more from few images?"""

__all__: list[str] = []
