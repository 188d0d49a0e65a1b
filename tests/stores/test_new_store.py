"""A new database is what MLflow makes, whatever the cache holds."""

import multiprocessing
import sqlite3
from contextlib import closing

import pytest

from acn_eval.cache import default_store
from acn_eval.stores import new_store
from acn_eval.stores.new_store import create
from acn_eval.stores.store import quiet_environment


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "kept"))


@pytest.fixture(scope="session")
def mlflows_own(tmp_path_factory):
    """A database that MLflow made without us, and the content of the one that is kept of it."""
    quiet_environment()
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    file = tmp_path_factory.mktemp("own") / "mlflow.db"
    SqlAlchemyStore(f"sqlite:///{file}", str(file.parent / "mlruns")).engine.dispose()
    own = dump(file)
    change(file, "DELETE FROM experiments")
    return own, file.read_bytes()


def dump(file):
    """Schema and rows of a database, without the time and place of its creation.

    MLflow writes indices of a database, and constraints of a table, in an order of chance.
    """
    with closing(sqlite3.connect(file)) as database:
        schema = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        names = [name for kind, name, *_ in schema if kind == "table"]
        rows = {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
        (journal,) = database.execute("PRAGMA journal_mode").fetchone()
    ((number, name, place, stage, _, _, workspace),) = rows["experiments"]
    assert place == str(file.parent / "mlruns" / "0")
    rows["experiments"] = [(number, name, stage, workspace)]
    return sorted(map(in_order, schema)), rows, journal


def in_order(entry):
    *name, statement = entry
    return *name, sorted(line.strip(", ") for line in (statement or "").splitlines())


def change(file, statement):
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


def made(folder):
    folder.mkdir()
    create(folder / "mlflow.db", folder / "mlruns")
    return folder / "mlflow.db"


def keep(content):
    default_store().write(new_store._key(), content)


def changed(content, folder, statement):
    file = folder / "changed.db"
    file.write_bytes(content)
    change(file, statement)
    return file.read_bytes()


def test_the_first_and_a_later_one_are_as_mlflow_makes_them(tmp_path, mlflows_own):
    first, later = made(tmp_path / "first"), made(tmp_path / "later")
    assert dump(first) == dump(later) == mlflows_own[0]


def test_a_later_one_is_a_copy_of_what_is_kept(tmp_path, mlflows_own):
    keep(changed(mlflows_own[1], tmp_path, "PRAGMA user_version = 7"))
    with closing(sqlite3.connect(made(tmp_path / "new"))) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (7,)


EXPERIMENT = "INSERT INTO experiments (experiment_id, name, workspace) VALUES (5, 'x', 'default')"
CHANGES = {
    "a run": "INSERT INTO runs (run_uuid) VALUES ('x')",
    "an experiment": EXPERIMENT,
    "a second workspace": "INSERT INTO workspaces (name) VALUES ('x')",
    "another revision": "UPDATE alembic_version SET version_num = '451aebb31d03'",
    "no revision": "DELETE FROM alembic_version",
    "no table of revisions": "DROP TABLE alembic_version",
}


def copied(folder):
    return new_store._copied(folder / "copy.db")


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_one_that_holds_anything_else_is_not_copied(tmp_path, mlflows_own, statement):
    keep(mlflows_own[1])
    assert copied(tmp_path)
    keep(changed(mlflows_own[1], tmp_path, statement))
    assert not copied(tmp_path)


@pytest.mark.parametrize("damage", ["text", "half", "hole"])
def test_what_is_no_sound_database_is_not_copied(tmp_path, mlflows_own, damage):
    kept = mlflows_own[1]
    hole = kept[:40_000] + bytes(20_000) + kept[60_000:]
    keep({"text": b"none", "half": kept[: len(kept) // 2], "hole": hole}[damage])
    assert not copied(tmp_path)


def test_a_file_that_was_edited_in_the_cache_is_not_read(tmp_path, mlflows_own):
    keep(mlflows_own[1])
    (file,) = (tmp_path / "kept").glob("*/*.outcomes")
    file.write_bytes(file.read_bytes().replace(b"default", b"changed"))
    assert not copied(tmp_path)


def test_what_is_not_copied_is_made_again_and_replaced(tmp_path, mlflows_own):
    own, kept = mlflows_own
    keep(changed(kept, tmp_path, EXPERIMENT))
    assert dump(made(tmp_path / "new")) == own
    assert copied(tmp_path)


def test_another_version_has_one_of_its_own(monkeypatch):
    import mlflow

    key = new_store._key()
    monkeypatch.setattr(mlflow, "__version__", "3.99.0")
    assert new_store._key() != key


def test_a_cache_that_cannot_be_used_costs_time_only(tmp_path, mlflows_own):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "photo.jpg").write_text("mine")
    assert dump(made(tmp_path / "new")) == mlflows_own[0]
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["photo.jpg"]


def test_it_is_pruned_with_the_outcomes(tmp_path, mlflows_own):
    keep(mlflows_own[1])
    assert default_store().size() > len(mlflows_own[1])
    assert default_store().trim(0) > len(mlflows_own[1])
    assert not copied(tmp_path)


def test_several_processes_make_the_first_one_at_once(tmp_path, mlflows_own):
    fork = multiprocessing.get_context("fork")  # a spawn would import MLflow again
    folders = [tmp_path / name for name in "ab"]
    processes = [fork.Process(target=made, args=(folder,)) for folder in folders]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert [dump(folder / "mlflow.db") for folder in folders] == [mlflows_own[0]] * 2
    assert copied(tmp_path)


def test_connections_to_other_databases_are_flushed_as_they_were(tmp_path):
    from sqlalchemy import create_engine, text

    with new_store._flushed_once(tmp_path / "ours.db"):
        for name, expected in {"ours.db": 0, "other.db": 2}.items():
            with create_engine(f"sqlite:///{tmp_path / name}").connect() as connection:
                assert connection.execute(text("PRAGMA synchronous")).scalar() == expected
