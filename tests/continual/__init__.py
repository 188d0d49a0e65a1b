"""Tests of learning tasks in turn."""
