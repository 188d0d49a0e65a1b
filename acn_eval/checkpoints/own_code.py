"""``module:FILE.py:FUNCTION``: a network that a file of the user's own builds.

This is the one source that runs code, which its word says; it is never taken from a card or a
server.
"""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.errors import CheckpointError, suggestion

__all__ = ["load_module"]

_FORM = "module:FILE.py:FUNCTION, or module:FILE.py:FUNCTION@WEIGHTS"
_MADE = "must return a Checkpoint, as acn_eval.from_module makes it of a network"


def load_module(spec: str) -> Checkpoint:
    """Run ``FILE.py:FUNCTION``, and return the checkpoint that the function returns.

    With ``FILE.py:FUNCTION@WEIGHTS`` the function is called with that path, otherwise with
    nothing. The record holds a digest of the file and of what it imports from its folder, because
    weights do not say how they are wired.

    Raises:
        CheckpointError: no such file or function, an exception in it, whose line is named, or
            something else than a checkpoint.
    """
    file, name, weights = _parts(spec)
    code = _Code(file.absolute())
    with _importable(code):
        function = _function(code.call(code.run), file, name)
        made = code.call(function, *([Path(weights)] if weights else []))
        source = code.digest()
    if not isinstance(made, Checkpoint):
        raise CheckpointError(f"{file}: {name} {_MADE}; got {type(made).__name__}")
    arch = {**made.id.arch, "source": source}
    return replace(made, id=replace(made.id, uri=f"module:{spec}", arch=arch))


@dataclass(frozen=True)
class _Code:
    """A file of the user's, by its absolute path, and what it imports from its folder."""

    file: Path

    def run(self) -> ModuleType:
        """Return the module of the file; nothing else finds it by its name."""
        spec = importlib.util.spec_from_file_location(f"acn_eval:{self.file.stem}", self.file)
        assert spec is not None  # of a file that ends in .py
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where dataclasses look for their types
        spec.loader.exec_module(module)
        return module

    def imported(self) -> dict[str, Path]:
        """Return the files of the modules that lie here, by the name that imports them."""
        found = {}
        for name, module in [*sys.modules.items()]:
            file, top = getattr(module, "__dict__", {}).get("__file__"), name.partition(".")[0]
            places = (self.file, *(self.file.parent / top, self.file.parent / f"{top}.py"))
            if file and top != "acn_eval" and any(Path(file).is_relative_to(p) for p in places):
                found[name] = Path(file)
        return found

    def digest(self) -> str:
        """Return the sha256 over the files."""
        found = hashlib.sha256()
        for file in sorted({self.file, *self.imported().values()}):
            found.update(hashlib.sha256(file.read_bytes()).digest())
        return found.hexdigest()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call what is the user's own; whatever it raises is theirs, so all of it is caught."""
        try:
            return function(*arguments)
        except (Exception, SystemExit) as exc:
            said = " ".join(str(exc).split())
            raised = f"{type(exc).__name__}: {said}" if said else type(exc).__name__
            msg = f"{self._place(exc)}: must build a network; it raised {raised}"
            raise CheckpointError(msg) from exc

    def _place(self, exc: BaseException) -> str:
        """Return the innermost line of the user's own that an exception passed."""
        if isinstance(exc, SyntaxError) and exc.filename:
            return f"{exc.filename}, line {exc.lineno}"
        passed = traceback.extract_tb(exc.__traceback__)
        own = [frame for frame in passed if self._is_beside(Path(frame.filename))]
        return f"{own[-1].filename}, line {own[-1].lineno}" if own else str(self.file)

    def _is_beside(self, file: Path) -> bool:
        return file.is_relative_to(self.file.parent) and "site-packages" not in file.parts


@contextmanager
def _importable(code: _Code) -> Iterator[None]:
    """Let the file import what lies beside it, as a script does; forget it all afterwards.

    The next file, of another folder, has a ``model.py`` of its own.
    """
    before, folder = dict(sys.modules), str(code.file.parent)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        for name in code.imported().keys() - before.keys():
            del sys.modules[name]


def _parts(spec: str) -> tuple[Path, str, str]:
    stem, dot, rest = spec.partition(".py:")
    name, _, weights = rest.partition("@")
    if not stem or not dot or not name.isidentifier():
        raise CheckpointError(f"module:{spec}: must be {_FORM}")
    file = Path(f"{stem}.py")
    if not file.is_file():
        raise CheckpointError(f"module:{spec}: must name a Python file; there is no {file}")
    return file, name, weights


def _function(module: ModuleType, file: Path, name: str) -> Callable[..., Any]:
    known = [known for known, value in vars(module).items() if callable(value)]
    if name not in known:
        msg = f"{file}: must have a function {name}; there is none."
        raise CheckpointError(msg + suggestion(name, known))
    function: Callable[..., Any] = vars(module)[name]
    return function
