"""Dynamics: which layers learn, and when?"""
