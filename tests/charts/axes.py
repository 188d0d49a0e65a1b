"""Panels drawn for tests."""

from matplotlib.figure import Figure


def drawn(panel):
    """The axes of a panel that was really laid out."""
    figure = Figure(panel.size, layout="constrained")
    axes = figure.subplots()
    panel.draw(axes)
    figure.draw_without_rendering()
    return axes


def by_name(drawings):
    """Drawings by the name of their file, each as its panels by title."""
    return {d.name: {panel.title: panel for panel in d.panels} for d in drawings}
