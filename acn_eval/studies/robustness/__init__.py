"""Robustness: is it more accurate under corruptions?"""
