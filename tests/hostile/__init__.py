"""Hostile files and servers by the hundred: one line, the right exit, bounded time and memory."""
