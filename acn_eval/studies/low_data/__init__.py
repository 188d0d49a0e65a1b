"""Low data: who learns more from few images?"""
