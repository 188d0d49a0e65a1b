"""Accuracy over quarter turns: does it know images that lie on their side?"""
