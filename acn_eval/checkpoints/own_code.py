"""``module:FILE.py:FUNCTION``: a network that a file of the user's own builds.

This is the one source that runs code, which its word says; it is never taken from a card or a
server.
"""

import ast
import hashlib
import importlib.util
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.errors import CheckpointError, suggestion

__all__ = ["load_module"]

_FORM = "module:FILE.py:FUNCTION, or module:FILE.py:FUNCTION@WEIGHTS"
_MADE = "must return a Checkpoint, as acn_eval.from_module makes it of a network"
_INSTALLED = {"site-packages", "dist-packages"}
_OTHERS = (
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("platstdlib"),
    Path(__file__).parents[1],
)


def load_module(spec: str) -> Checkpoint:
    """Run ``FILE.py:FUNCTION``, and return the checkpoint that the function returns.

    With ``FILE.py:FUNCTION@WEIGHTS`` the function is called with that path, otherwise with
    nothing. The record holds a digest of the user's own files that the network is made of, because
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
        if not isinstance(made, Checkpoint):
            raise CheckpointError(f"{file}: {name} {_MADE}; got {type(made).__name__}")
        source = code.digest(made)
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

    def digest(self, made: Checkpoint) -> str:
        """Return the sha256 over what lies here, and what else of the user's a network reaches."""
        files, todo = self.imported(), [*self.imported(), *_modules_of(made)]
        seen = set[str]()
        while todo:
            name = todo.pop()
            file = Path(getattr(sys.modules.get(name), "__file__", None) or "")
            if name not in seen and (name in files or _is_own(file)):
                files[name] = file
                todo += _imports(sys.modules[name], file)
            seen.add(name)
        found = hashlib.sha256()
        for file in sorted({self.file, *files.values()}):
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


def _modules_of(made: Checkpoint) -> set[str]:
    """Return the names of the modules whose classes a network and its preparation are of."""
    network = getattr(made.model, "inner", made.model)
    parts = network.modules() if isinstance(network, nn.Module) else [network]
    return {type(part).__module__ for part in (*parts, made.prepare)}


def _is_own(file: Path) -> bool:
    """Whether a file is neither installed nor Python's own nor ours."""
    other = any(file.is_relative_to(place) for place in _OTHERS)
    return not other and not _INSTALLED.intersection(file.parts) and file.is_file()


def _imports(module: ModuleType, file: Path) -> Iterator[str]:
    """Yield what the imports of a module may be of: packages, modules, or what these hold."""
    for node in ast.walk(ast.parse(file.read_bytes())) if file.suffix == ".py" else ():
        if isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            with suppress(ImportError):  # of what was never run
                whole = importlib.util.resolve_name(base, module.__package__)
                yield from _with_parents(f"{whole}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from _with_parents(alias.name for alias in node.names)


def _with_parents(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from accumulate(name.split("."), "{}.{}".format)


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
