"""The long table: what is saved is loaded, and its address is its question."""

import hashlib
import json
import multiprocessing
import os
import random
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from acn_eval.cells import PER_EXAMPLE
from acn_eval.data import open_examples
from acn_eval.errors import ConfigError, DataError
from acn_eval.results import SCHEMA, UNKNOWN, Cell, EvalResult, Skip
from acn_eval.statistics.comparison import comparison_key, load_comparison
from acn_eval.studies.compare import compare
from tests.data.schemas import deep
from tests.fakes import edited, fake_result


def same(one, other):
    """Cells are equal with their arrays, bit for bit."""
    for name in PER_EXAMPLE:
        a, b = getattr(one, name), getattr(other, name)
        if a is None or b is None:
            assert a is b, name
        else:
            assert a.dtype == b.dtype, name
            assert a.tobytes() == b.tobytes(), name
    assert dict(one.condition) == dict(other.condition)
    assert (one.measure, one.primary) == (other.measure, other.primary)


def same_result(one, other):
    assert len(one.cells) == len(other.cells)
    for a, b in zip(one.cells, other.cells, strict=True):
        same(a, b)
    for field in fields(EvalResult):
        if field.name not in {"cells", "suite"}:
            assert getattr(one, field.name) == getattr(other, field.name), field.name
    assert json.dumps(one.facts()) == json.dumps(other.facts())  # a tuple is a list in JSON
    assert one.key == other.key


def rich_result():
    """Cells of several measures and lengths, with and without the optional columns."""
    ids = np.array([9, 2, 2**62, -5], dtype=np.int64)
    ones = np.ones(4, np.float32)
    clean = {"corruption": "clean", "level": 0.0}
    noisy = {"corruption": "gaussian", "level": 0.1, "clip": True, "repeat": 2}
    cells = (
        Cell.answered(clean, ids, np.arange(4), np.arange(4, dtype=np.int32), confidence=ones / 3),
        Cell(clean, ids[:2], ones[:2] * 0.5, measure="loss"),
        Cell(noisy, ids[::-1].copy(), ones * np.nan, primary=True, nll=ones, brier=ones * np.nan),
        Cell(noisy, ids, ones * -np.inf, measure="norm", predicted=np.full(4, -1, np.int32)),
    )
    return replace(
        fake_result(),
        cells=cells,
        skipped=(Skip({"corruption": "jpeg", "level": 3}, "needs three channels"),),
        warnings=("seen in training",),
        certificate={"flips": 0, "n": 8},
    )


def cells_of(folder):
    (file,) = folder.glob("cells-*.parquet")
    return file


def test_what_is_saved_is_loaded(tmp_path):
    results = (fake_result(), rich_result(), replace(fake_result(), cells=(), skipped=()))
    for i, result in enumerate(results):
        folder = result.save(tmp_path / str(i))
        same_result(EvalResult.load(folder), result)
        assert sorted(folder.iterdir()) == [cells_of(folder), folder / "result.json"]


def test_a_second_save_keeps_the_first(tmp_path):
    first = fake_result(created_ms=1_000)
    folder = first.save(tmp_path)
    written = (folder / "result.json").stat().st_ino
    assert replace(first, created_ms=2_000).save(tmp_path) == folder
    same_result(EvalResult.load(folder), first)
    assert (folder / "result.json").stat().st_ino == written


@pytest.mark.parametrize(
    ("before", "after"), [((), ("mixed",)), (("mixed",), ())], ids=["more", "fewer"]
)
def test_a_save_with_the_same_cells_says_its_own_warnings(before, after, tmp_path):
    first = replace(fake_result(created_ms=1_000), warnings=before)
    folder = first.save(tmp_path)
    assert replace(first, created_ms=2_000, warnings=after).save(tmp_path) == folder
    same_result(EvalResult.load(folder), replace(first, warnings=after))
    assert sorted(folder.iterdir()) == [cells_of(folder), folder / "result.json"]


def test_another_answer_to_the_same_question_replaces_the_first(tmp_path):
    first = fake_result(created_ms=1_000)
    folder = first.save(tmp_path)
    turned = replace(first.cells[0], values=1 - first.cells[0].values)
    again = replace(first, created_ms=2_000, cells=(turned, *first.cells[1:]))
    assert again.save(tmp_path) == folder
    same_result(EvalResult.load(folder), again)


def test_a_damaged_result_is_replaced_by_the_next_save(tmp_path):
    result = fake_result()
    folder = result.save(tmp_path)
    content = bytearray(cells_of(folder).read_bytes())
    content[len(content) // 2] ^= 1
    cells_of(folder).write_bytes(content)
    result.save(tmp_path)
    same_result(EvalResult.load(folder), result)


def test_a_save_that_was_killed_is_finished_by_the_next(tmp_path):
    result = fake_result()
    folder = result.save(tmp_path)
    (folder / "result.json").unlink()
    cells_of(folder).write_bytes(b"half")
    assert result.save(tmp_path) == folder
    same_result(EvalResult.load(folder), result)


def test_a_result_of_before_its_cells_had_a_name_of_their_own(tmp_path):
    """It is read, found again, and replaced whole."""
    first = fake_result()
    folder = first.save(tmp_path)
    cells_of(folder).rename(folder / "cells.parquet")
    same_result(EvalResult.load(folder), first)
    first.save(tmp_path)
    assert not list(folder.glob("cells-*"))
    other = other_cells(first)
    other.save(tmp_path)
    same_result(EvalResult.load(folder), other)


def other_cells(result, seed=0):
    """The same question with another answer."""
    values = np.random.default_rng(seed).integers(0, 2, len(result.cells[0].ids))
    turned = replace(result.cells[0], values=values.astype(np.float32))
    return replace(result, cells=(turned, *result.cells[1:]), created_ms=seed)


def test_cells_that_no_result_names_go_when_they_are_old(tmp_path):
    first = fake_result()
    folder = first.save(tmp_path)
    (folder / "cells-notes.parquet").write_text("of somebody")
    old, others = cells_of_all(folder), [folder / "cells-notes.parquet"]
    other_cells(first).save(tmp_path)
    assert old < cells_of_all(folder)  # somebody may be reading it
    for file in (*old, *others):
        os.utime(file, (1000, 1000))
    other_cells(first, 1).save(tmp_path)
    assert not old & cells_of_all(folder)
    assert others[0].exists()


def cells_of_all(folder):
    return {f for f in folder.glob("cells-*.parquet") if f.stem != "cells-notes"}


def _saves(result, folder):
    for seed in range(20):
        other_cells(result, seed).save(folder)


def test_a_load_sees_the_old_or_the_new_result_while_processes_save(tmp_path):
    """One question, several answers: as `--no-cache` on a device that rounds differently."""
    result = fake_result()
    folder = result.save(tmp_path)
    fork = multiprocessing.get_context("fork")
    savers = [fork.Process(target=_saves, args=(result, tmp_path)) for _ in range(4)]
    for saver in savers:
        saver.start()
    loads = 0
    while any(saver.is_alive() for saver in savers):
        found = EvalResult.load(folder)
        expected = (
            result
            if found.created_ms == result.created_ms
            else other_cells(result, found.created_ms)
        )
        same(found.cells[0], expected.cells[0])
        loads += 1
    for saver in savers:
        saver.join(60)
    assert [saver.exitcode for saver in savers] == [0] * 4
    assert loads > 3
    assert not list(folder.glob("*.part"))


def test_its_folder_says_what_it_is(tmp_path):
    result = fake_result()
    assert result.save(tmp_path).name == f"robustness-ac_vit-{result.key}"
    assert len(result.key) == 16
    assert int(result.key, 16) >= 0


def test_the_address_ignores_what_is_no_part_of_the_question():
    result = fake_result()
    renamed = replace(result.checkpoint, name="n", uri="u", parameters=1, training={"seed": 1})
    for other in (
        replace(result, created_ms=5),
        replace(result, cells=()),
        replace(result, skipped=()),
        replace(result, warnings=("w",)),
        replace(result, versions={"torch": "9"}),
        replace(result, certificate={"flips": 1}),
        replace(result, checkpoint=renamed),
    ):
        assert other.key == result.key


def test_the_address_depends_on_every_part_of_the_question():
    result = fake_result()
    checkpoint, data = result.checkpoint, result.data
    others = [
        replace(result, seed=1),
        replace(result, precision="bf16"),
        replace(result, device="cuda"),
        replace(result, noise_version=2),
        replace(result, suite={**result.suite, "repeats": 5}),
        replace(result, checkpoint=replace(checkpoint, sha256="0" * 64)),
        replace(result, checkpoint=replace(checkpoint, arch={**checkpoint.arch, "depth": 9})),
        replace(result, checkpoint=replace(checkpoint, preprocessing={"size": 9})),
        replace(result, data=replace(data, name="other")),
        replace(result, data=replace(data, split="validation")),
        replace(result, data=replace(data, n=3)),
        replace(result, data=replace(data, fingerprint="e" * 64)),
        replace(result, data=replace(data, classes=("a", "b"))),
    ]
    assert len({other.key for other in others} | {result.key}) == len(others) + 1


def test_the_address_reads_any_kind_of_mapping_in_any_order():
    result = fake_result()
    turned = dict(reversed(result.checkpoint.arch.items()))
    frozen = MappingProxyType(turned)
    for arch in (turned, frozen):
        other = replace(result, checkpoint=replace(result.checkpoint, arch=arch))
        assert other.key == result.key
    deeper = MappingProxyType({**turned, "depth": 99})
    other = replace(result, checkpoint=replace(result.checkpoint, arch=deeper))
    assert other.key != result.key


def test_a_folder_that_is_no_result(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(DataError, match=r"result\.json and the cells") as caught:
            EvalResult.load(folder)
        assert caught.value.exit_code == 2
        assert "\n" not in str(caught.value)


@pytest.fixture
def saved(tmp_path):
    return rich_result().save(tmp_path)


def test_an_edited_result_is_refused_and_replaced_by_the_next_save(saved):
    text = (saved / "result.json").read_text()
    for old, new in (('"seed": 0', '"seed": 7'), ('"fp32"', '"bf16"'), ('"sha256"', '"sha255"')):
        assert old in text
        (saved / "result.json").write_text(text.replace(old, new))
        with pytest.raises(DataError, match="as it was written; it was edited") as caught:
            EvalResult.load(saved)
        assert caught.value.exit_code == 2
        assert "\n" not in str(caught.value)
    rich_result().save(saved.parent)
    same_result(EvalResult.load(saved), rich_result())


def test_facts_in_another_order_and_layout_are_the_same_facts(saved):
    facts = json.loads((saved / "result.json").read_text())
    (saved / "result.json").write_text(json.dumps(dict(reversed(facts.items()))))
    same_result(EvalResult.load(saved), rich_result())


@pytest.mark.parametrize("schema", [0, SCHEMA + 1, "1", True, 1.0, None, "GONE"])
def test_another_schema_says_so(saved, schema):
    edited(saved, schema=schema)
    with pytest.raises(DataError, match="schema must be"):
        EvalResult.load(saved)


@pytest.mark.parametrize(
    "changes",
    [
        {"cells": "GONE"},
        {"data": "GONE"},
        {"seed": "GONE"},
        {"seeds": 4},
        {"checkpoint": {"name": "x"}},
        {"cells": 3},
        {"cells": [{}]},
        {"cells_sha256": "GONE"},
        {"skipped": [3]},
        {"warnings": None},
        {"suite": []},
        {"suite": {}},
        {"suite": {"name": 7}},
        {"seed": 2**64},
        {"seed": 1e300},
        {"seed": float("nan")},
        {"created_ms": 10**30},
        {"created_ms": -1},
        {"device": ["cpu"]},
        {"warnings": [3]},
        {"warnings": "abc"},
        {"versions": {"torch": 2}},
        {"details": None},
        {"data": {"name": "d", "split": "test", "n": -1, "fingerprint": "", "classes": ["a"]}},
        {"data": {"name": "d", "split": "test", "n": 1, "fingerprint": "", "classes": "abc"}},
        {"checkpoint": "x"},
        {"cells": {"0": 1}},
        {"cells": [{"condition": {"a": [1]}, "measure": "correct", "primary": True}] * 4},
        {"cells": [{"condition": {}, "measure": None, "primary": True}] * 4},
        {"skipped": [{"condition": {}, "reason": 3}]},
    ],
    ids=str,
)
def test_facts_that_do_not_fit(saved, changes):
    edited(saved, **changes)
    with pytest.raises(DataError) as caught:
        EvalResult.load(saved)
    assert "\n" not in str(caught.value)


def test_cells_of_another_result(tmp_path):
    long, short = rich_result().save(tmp_path), replace(fake_result(), seed=9).save(tmp_path)
    os.replace(cells_of(short), cells_of(long))
    with pytest.raises(DataError, match="they were changed"):
        EvalResult.load(long)


@pytest.mark.parametrize("file", ["result.json", "cells"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"PAR1" * 9])
def test_files_that_are_something_else(saved, file, content):
    (cells_of(saved) if file == "cells" else saved / file).write_bytes(content)
    with pytest.raises(DataError) as caught:
        EvalResult.load(saved)
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_is_found(saved):
    path, shuffle = cells_of(saved), random.Random(0)
    content = path.read_bytes()
    for _ in range(200):
        damaged = bytearray(content)
        damaged[shuffle.randrange(len(damaged))] ^= 1 << shuffle.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(DataError):
            EvalResult.load(saved)


def named(folder, content):
    """Make content the cells of a result, with the digest that belongs to it."""
    digest = hashlib.sha256(content).hexdigest()
    (folder / f"cells-{digest[:16]}.parquet").write_bytes(content)
    edited(folder, cells_sha256=digest)


def parquet(table, **options):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def column(name, values, table):
    return table.set_column(table.column_names.index(name), name, [values])


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.slice(0, 0).drop_columns(["id"]),
        lambda t: t.append_column("more", t["id"]),
        lambda t: column("id", t["id"].cast(pa.string()), t),
        lambda t: column("id", t["id"].cast(pa.string()).dictionary_encode(), t),
        lambda t: column("value", t["value"].cast(pa.float64()), t),
        lambda t: column("value", pa.array([[1.0]] * len(t)), t),
        lambda t: column("cell", pa.array([9] * len(t), pa.int32()), t),
        lambda t: column("cell", pa.array([-1] * len(t), pa.int32()), t),
        lambda t: column("cell", pa.array(range(len(t))[::-1], pa.int32()), t),
        lambda t: column("cell", pa.nulls(len(t), pa.int32()), t),
        lambda t: column("id", pa.nulls(len(t), pa.int64()), t),
        lambda t: column("value", pa.nulls(len(t), pa.float32()), t),
    ],
)
def test_cells_of_other_columns_or_rows(saved, change):
    table = pq.read_table(cells_of(saved))
    named(saved, parquet(change(table)))
    with pytest.raises(DataError) as caught:
        EvalResult.load(saved)
    assert "\n" not in str(caught.value)


def test_cells_of_many_columns_are_not_looked_into(saved):
    named(saved, deep(2**8))
    with pytest.raises(DataError, match=r"its cells must fit; .*Exceeded size limit"):
        EvalResult.load(saved)


def test_rows_that_a_few_bytes_declare_are_not_built(saved):
    """Two million rows of one value take some kB."""
    table = pq.read_table(cells_of(saved)).slice(0, 1)
    many = table.take(pa.array(np.zeros(2_000_000, np.int64)))
    content = parquet(many, compression="zstd")
    assert len(content) < 100_000
    named(saved, content)
    with pytest.raises(DataError, match=r"rows must be worth their bytes; got 2,000,000 in"):
        EvalResult.load(saved)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 100_000, "nested too deep"),
        ('{"a":' * 100_000, "nested too deep"),
        ('{"seed": 1, "seed": 2}', "a key stands twice"),
        ('{"seed": ' + "9" * 5000 + "}", "must be a folder with"),
        ('{"seed": 1', "must be a folder with"),
        ("", "must be a folder with"),
        ("\ufeff{}", "must be a folder with"),
        (" " * (1 << 25) + "{}", "at most 33,554,432 bytes"),
    ],
    ids=["lists", "mappings", "twice", "digits", "cut", "empty", "mark", "large"],
)
def test_facts_that_are_a_bomb(saved, text, expected):
    (saved / "result.json").write_text(text)
    with pytest.raises(DataError, match=expected) as caught:
        EvalResult.load(saved)
    assert "\n" not in str(caught.value)


SCHEMA_1 = Path(__file__).with_name("schema_1")
"""Two results and their comparison, written by a version before labels were stored."""


@pytest.fixture(scope="module")
def older():
    return [EvalResult.load(folder) for folder in sorted(SCHEMA_1.glob("robustness-*"))]


def test_results_of_schema_1_are_read_with_the_labels_that_their_outcomes_show(older):
    digits = open_examples("digits", "test").keyed(40)
    true = dict(zip(digits.ids.tolist(), digits.labels.tolist(), strict=True))
    for result in older:
        assert (result.schema, len(result.cells)) == (SCHEMA, 7)
        known = {i for c in result.cells for i in c.ids[c.values == 1].tolist()}
        assert len(known) > 30
        for cell in result.cells:
            expected = [true[i] if i in known else UNKNOWN for i in cell.ids.tolist()]
            assert cell.labels.tolist() == expected
            assert cell.labels.dtype == np.int64
            assert cell.nll is cell.brier is None


def test_results_of_schema_1_keep_their_addresses(older):
    folders = sorted(SCHEMA_1.glob("robustness-*"))
    assert [f.name.rpartition("-")[2] for f in folders] == [result.key for result in older]


def test_results_of_schema_1_are_compared_as_they_were(older):
    (folder,) = SCHEMA_1.glob("compare-*")
    stored, now = load_comparison(folder), compare(older[:1], older[1:])
    assert now.rows == stored.rows
    assert now.primary == stored.primary
    assert comparison_key(now) == comparison_key(stored)


def test_a_result_of_schema_1_is_compared_with_one_of_today_on_the_same_question(older, tmp_path):
    today = EvalResult.load(older[1].save(tmp_path))
    assert json.loads((next(tmp_path.iterdir()) / "result.json").read_text())["schema"] == SCHEMA
    assert compare(older[:1], [today]) == compare(older[:1], older[1:])
    with pytest.raises(ConfigError, match="noise seed must be that of ac_vit"):
        compare(older[:1], [replace(today, seed=1)])


def test_examples_that_have_a_size_are_images():
    checkpoint = fake_result("ac_vit").checkpoint
    assert checkpoint.example == "image"
    for facts in ({"sentences": 1, "tokens": 64}, {"length": 12}, {}):
        assert replace(checkpoint, preprocessing=facts).example == "example"
