"""`python -m acn_eval`: the command line."""

from acn_eval.cli.main import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
