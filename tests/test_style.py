"""House rules that no linter knows."""

import ast
import io
import re
import statistics
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "acn_eval").rglob("*.py"))
CODE = [*MODULES, *sorted((ROOT / "benchmarks").glob("*.py"))]
TREES = {path: ast.parse(path.read_text()) for path in CODE}


def relative(path):
    return path.relative_to(ROOT).as_posix()


def functions(path):
    """(name, code lines) of every function: without its docstring, comments and blank lines."""
    lines = code_lines(path)
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            first = body[0].lineno if body else node.end_lineno
            own = sum(first <= line <= node.end_lineno for line in lines)
            yield node.name, own


def code_lines(path):
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return {
        line
        for token in tokens
        if token.type not in skipped
        for line in range(token.start[0], token.end[0] + 1)
    }


def test_files_are_short():
    lengths = {relative(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: n for name, n in lengths.items() if n > 400} == {}
    assert statistics.median(lengths.values()) <= 150


def test_functions_are_short():
    lengths = {f"{relative(path)}:{name}": n for path in MODULES for name, n in functions(path)}
    assert {name: n for name, n in lengths.items() if n > 50} == {}
    assert statistics.median(lengths.values()) <= 8
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= 25


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_open_with_one_sentence_and_list_their_names(path):
    first = (ast.get_docstring(TREES[path]) or "").split("\n\n")[0]
    assert first.endswith((".", "?"))
    assert len(re.findall(r"[.!?] [A-Z]", first)) == 0, first
    names = [
        t.id
        for node in TREES[path].body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for t in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(t, ast.Name)
    ]
    assert "__all__" in names


def test_global_generators_and_unsafe_loading_are_nowhere():
    forbidden = {
        "torch.manual_seed",
        "torch.cuda.manual_seed",
        "torch.seed",
        "np.random.seed",
        "numpy.random.seed",
        "random.seed",
        "pickle.load",
        "pickle.loads",
        "yaml.load",
        "yaml.unsafe_load",
        "eval",
        "exec",
        "os.system",
    }
    found = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in forbidden or "weights_only=False" in ast.unparse(node):
                    found.append(relative(path))
                elif called == "torch.load":
                    assert "weights_only=True" in ast.unparse(node), relative(path)
    assert set(found) == {"acn_eval/checkpoints/trusted.py"}


def test_only_convert_reaches_what_trusts_a_file():
    asking = {
        relative(path)
        for path in MODULES
        if "checkpoints.trusted" in path.read_text() or "checkpoints.convert" in path.read_text()
    }
    assert asking == {
        "acn_eval/checkpoints/convert.py",
        "acn_eval/checkpoints/trusted.py",
        "acn_eval/cli/convert.py",
    }


def test_only_the_top_and_what_runs_code_of_a_user_catch_everything():
    found = [
        relative(path)
        for path in MODULES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"} & set(names_in(node.type)))
    ]
    tops = {"acn_eval/cli/main.py", "acn_eval/engine/worker.py"}  # of processes
    # of threads, which hand them to the one that waits
    threads = {"acn_eval/cache/behind.py", "acn_eval/engine/ray_worker.py"}
    assert sorted(found) == sorted({"acn_eval/checkpoints/own_code.py"} | tops | threads)


KINDS = re.compile(
    r"(?<!\.c\.)\bkind\b[^=]*(==|in \{)"  # `.c.kind` is a column of a table
    r"|suite\S*(\.get\(|\[)[\"']kind"
    r"|isinstance\([^)]*"
    r"(Suite|Robustness|Compression|Continual|Dynamics|Pruning|Transfer|LowData)\b"
)


def test_nobody_but_the_table_asks_for_the_kind_of_a_study():
    found = [
        f"{relative(path)}: {line}"
        for path in MODULES
        if path.parts[-2:] != ("studies", "table.py")
        for line in path.read_text().splitlines()
        if KINDS.search(line)
    ]
    assert found == []


def names_in(node):
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]


def test_only_the_command_line_prints():
    found = [
        relative(path)
        for path in MODULES
        for node in ast.walk(TREES[path])
        if not {"cli", "terminal"} & set(path.parts)
        and (
            (isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "click.echo"})
            or (isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.stdout"})
        )
    ]
    assert found == []


def test_the_folder_mlflow_does_not_shadow_the_package():
    assert not (ROOT / "mlflow" / "__init__.py").exists()
    found = subprocess.run(
        [sys.executable, "-c", "import importlib.util as u; print(u.find_spec('mlflow').origin)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert Path(found.strip()).name == "__init__.py"
    assert ROOT / "mlflow" not in Path(found.strip()).parents


def constants(tree):
    """Texts of a module that are no docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and ast.get_docstring(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def test_messages_of_the_library_name_arguments_and_no_options():
    """The command line shows the option; charts hold CSS variables."""
    spoken = {"cli", "terminal", "charts", "templates"}
    found = [
        f"{relative(path)}: {text}"
        for path in MODULES
        if not spoken & set(path.parts) and path.stem != "command"
        for text in constants(TREES[path])
        if re.search(r"(^|[\s(`])--(?!upgrade)[a-z]", text)
    ]
    assert found == []


def test_no_function_takes_untyped_options():
    found = [
        f"{relative(path)}: {node.name}({argument.arg})"
        for path in MODULES
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.FunctionDef)
        for argument in (*node.args.args, *node.args.kwonlyargs)
        if argument.arg in {"options", "given", "asked", "output"}
        and argument.annotation is not None
        and re.search(r"(Mapping|dict)\[str, Any\]", ast.unparse(argument.annotation))
    ]
    assert found == []


def test_the_command_line_parses_and_prints_only():
    own = [path for path in MODULES if path.parent.name == "cli"]
    assert sum(len(path.read_text().splitlines()) for path in own) <= 2000
    assert [relative(path) for path in MODULES if path.stem.endswith("_job")] == []


def test_every_module_over_40_lines_has_a_test_of_its_own_name():
    package = ROOT / "acn_eval"
    found = {
        module.as_posix()
        for path in MODULES
        if path.name != "__init__.py" and len(path.read_text().splitlines()) > 40
        for module in [path.relative_to(package)]
        if not (ROOT / "tests" / module.parent / f"test_{module.name}").exists()
    }
    assert found == set()
