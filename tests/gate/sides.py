"""Sides of a gate's question, and its verdict in short."""

from hypothesis import strategies as st


def rules(verdict):
    return {rule.name: rule for rule in verdict.rules}


lost = st.tuples(st.integers(0, 60), st.integers(0, 120))
