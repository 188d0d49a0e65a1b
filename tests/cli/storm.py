"""One command in many processes at once: ``python -m tests.cli.storm FOLDER COUNT ARGUMENT...``.

They are forked from one that has imported everything, so that they meet at every file. Each
folder below FOLDER is a round, and ends with one exit code and one text per process.
"""

import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages


def storm(count, arguments):
    """Run the command in this folder so many times at once; return the exit codes.

    What the processes say goes to ``0.txt``, ``1.txt`` ...
    """
    import_module("acn_eval.terminal.measuring")
    gate, opener = os.pipe()
    children = [_started(number, arguments, gate, opener) for number in range(count)]
    os.close(gate)
    os.close(opener)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def _started(number, arguments, gate, opener):
    if child := os.fork():
        return child
    from acn_eval.cli.main import main

    os.close(opener)
    os.read(gate, 1)  # the end of the file: all start at once
    with open(f"{number}.txt", "w") as said, redirect_stdout(said), redirect_stderr(said):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
    os._exit(code)


def _import_everything():
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

    import acn_eval

    for module in walk_packages(acn_eval.__path__, "acn_eval."):
        import_module(module.name)


if __name__ == "__main__":
    runtime, count, *arguments = sys.argv[1:]
    _import_everything()
    for folder in sorted(Path(runtime).resolve().iterdir()):
        os.chdir(folder)
        os.environ["ACN_EVAL_CACHE"] = str(folder / "cache")
        Path("codes").write_text(repr(storm(int(count), arguments)))
