"""The command line: options in, one call, words out; the only place that prints."""
