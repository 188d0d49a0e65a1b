"""Exported names: every module lists them, they are there, and packages export what they take."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "acn_eval").rglob("*.py"))
    if path.name != "__main__.py"
]
PACKAGES = [name for name in MODULES if (ROOT / name.replace(".", "/")).is_dir()]


def in_order(names):
    """Constants, classes, then the rest, as ruff sorts them."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def bound(module):
    """Public names that a module takes from its own package, or defines."""
    tree = ast.parse(Path(module.__file__).read_text())
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module.startswith(f"{module.__name__}."):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


@pytest.mark.parametrize("name", MODULES)
def test_exported_names_are_there_once_and_in_order(name):
    module = importlib.import_module(name)
    assert module.__all__ == in_order(set(module.__all__))
    for exported in module.__all__:
        getattr(module, exported)


LAZY = [
    name
    for name in PACKAGES
    if "__getattr__" in (ROOT / name.replace(".", "/") / "__init__.py").read_text()
]


@pytest.mark.parametrize("name", [name for name in PACKAGES if name not in LAZY])
def test_a_package_exports_what_it_takes_from_its_modules(name):
    module = importlib.import_module(name)
    assert set(module.__all__) == {found for found in bound(module) if not found.startswith("_")}


@pytest.mark.parametrize("name", LAZY)
def test_a_package_that_imports_on_first_use_shows_its_names_before(name):
    module = importlib.import_module(name)
    assert "__dir__" in vars(module)
    assert set(module.__all__) <= set(dir(module))
