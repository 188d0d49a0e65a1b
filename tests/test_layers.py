"""The house: a module imports only from floors below, and rooms of one floor never meet."""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "acn_eval"
FLOORS = (
    {"allocation", "foreign_text", "lazy", "reach"},
    {"atomic", "errors", "seeds", "shipped", "views"},
    {"cache", "config_files", "inputs", "plugins", "tally", "tokens"},
    {"cells", "engine", "stores", "texts"},
    {"results"},
    {"models", "data", "corruptions", "statistics"},
    {"charts", "checkpoints"},
    {"inference", "probes"},
    {"training"},
    {"study"},
    {"studies", "run_options"},
    {"evaluation"},
    {"figures", "gate", "tracking"},
    {"mlflow_plugin", "report"},
    {"workflow"},
    {"service"},
    {"client"},
    {"terminal"},
    {"studies/terminal"},
    {"cli"},
    {"__main__"},
)
CHAIN = 17  # modules
TERMINAL = {"command", "export", "tables"}  # files of a study that speak to a person
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def name_of(path):
    """``acn_eval.data.open`` of a file; a package is its folder."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(name):
    parts = name.split(".")
    own = parts[1] == "studies" and len(parts) == 4 and parts[3] in TERMINAL
    return "studies/terminal" if own else parts[1]


def known(name):
    """The module that an import reaches: ``acn_eval.data`` of ``acn_eval.data.Examples``."""
    return name if name in NAMES else name.rpartition(".")[0]


NAMES = {name_of(path) for path in MODULES}


def imports(path):
    """(module of ours, whether inside a function, whether for types only) of every import."""
    tree = ast.parse(path.read_text())
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        above = list(ancestors(node, parents))
        inside = any(isinstance(a, ast.FunctionDef) for a in above)
        typing = any(isinstance(a, ast.If) and "TYPE_CHECKING" in ast.dump(a.test) for a in above)
        for name in names:
            if name.startswith("acn_eval."):
                yield known(name), inside, typing


def ancestors(node, parents):
    while node in parents:
        node = parents[node]
        yield node


def by_name(path):
    return name_of(path)


def test_every_room_has_a_floor():
    rooms = {room_of(name_of(path)) for path in MODULES}
    assert rooms - FLOOR.keys() == set()


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_imports_go_down(path):
    room = room_of(name_of(path))
    for target, _, _ in imports(path):
        other = room_of(target)
        assert other == room or FLOOR[other] < FLOOR[room], f"{room} imports {target}"


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_our_own_are_imported_at_the_top(path):
    """But for the command line, whose help must not import torch."""
    if room_of(name_of(path)) in {"cli", "studies/terminal", "terminal"}:
        return
    assert [target for target, inside, _ in imports(path) if inside] == []


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_a_package_s_own_modules_do_not_import_it_back(path):
    """``from acn_eval.data import x`` inside acn_eval/data is a cycle waiting to happen."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    assert package == "acn_eval" or package not in {target for target, _, _ in imports(path)}


def test_no_cycles():
    below = {
        name_of(path): {
            target for target, _, typing in imports(path) if not typing and target != name_of(path)
        }
        for path in MODULES
    }
    while below:
        free = {name for name, targets in below.items() if not targets & below.keys()}
        assert free, f"a cycle among {sorted(below)}"
        below = {name: targets for name, targets in below.items() if name not in free}


def test_a_study_knows_its_own_room_and_robustness():
    def study_of(name):
        parts = name.split(".")
        return parts[2] if parts[1] == "studies" and len(parts) == 4 else ""

    found = [
        f"{name} imports {target}"
        for path in MODULES
        if study_of(name := name_of(path))
        for target, _, _ in imports(path)
        if study_of(target) not in {"", "robustness", study_of(name)}
    ]
    assert found == []


def longest_chain():
    """The longest line of modules of ours, each of which imports the next at its top."""
    below = {
        name_of(path): sorted(
            {t for t, inside, typing in imports(path) if not inside and not typing}
            & NAMES - {name_of(path)}
        )
        for path in MODULES
    }

    @cache
    def chain(name):
        return (name, *max((chain(target) for target in below[name]), key=len, default=()))

    return max(map(chain, below), key=len)


def test_the_longest_chain_of_imports_is_short():
    chain = longest_chain()
    assert len(chain) <= CHAIN, " > ".join(chain)


def test_the_rules_notice_what_they_forbid(tmp_path):
    """The reader of imports sees plain, nested and typing imports."""
    path = tmp_path / "sample.py"
    path.write_text(
        "import acn_eval.errors\n"
        "from typing import TYPE_CHECKING\n"
        "from acn_eval.data import Examples\n"
        "if TYPE_CHECKING:\n    from acn_eval.suites import Suite\n"
        "def f():\n    from acn_eval.data.open import open_examples\n"
    )
    assert list(imports(path)) == [
        ("acn_eval.errors", False, False),
        ("acn_eval.data", False, False),
        ("acn_eval.suites", False, True),
        ("acn_eval.data.open", True, False),
    ]
