"""The studies, one room each; `table` is the only list of them."""
