"""Processes that record at the same moment: ``python -m tests.tracking.storm URI FOLDER N``.

Each records a pair of its own and its comparison, and a pair that all of them record. With
``--machines`` none sees the locks of the others, as on machines of their own.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

from acn_eval.statistics.comparison import comparison_key, save_comparison
from acn_eval.stores.store import quiet_environment
from acn_eval.studies.compare import compare
from acn_eval.tracking import Registry, record
from tests.fakes import fake_result

SHARED = 0


def work(seeds, folder: Path, uri: str):
    """Record the pair of each seed, with files; all register the same network."""
    for seed in seeds:
        results = [at(seed, fake_result(name, seed=seed)) for name in ("ac_vit", "res_vit")]
        comparison = compare(results[:1], results[1:])
        artifacts = {result.key: result.save(folder) for result in results}
        artifacts[comparison_key(comparison)] = save_comparison(comparison, folder)
        recorded = record(results, [comparison], tracking_uri=uri, cwd=folder, artifacts=artifacts)
        run = recorded.runs[results[0].key]
        Registry(recorded.store).register("network", results[0], run)


def at(seed, result):
    """Make the answers of seeds differ: the first so many images are not seen right."""
    cells = tuple(replace(cell, values=cell.values * (cell.ids >= seed)) for cell in result.cells)
    return replace(result, cells=cells)


def main(uri: str, folder: str, count: str, *options: str):
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401 - once, before the processes part

    gate, opener = os.pipe()
    children = []
    for number in range(1, int(count) + 1):
        if child := os.fork():
            children.append(child)
            continue
        os.close(opener)
        os.read(gate, 1)  # the end of the file: all start at once
        own = Path(folder) / str(number)
        own.mkdir()
        if "--machines" in options:
            os.environ["XDG_CACHE_HOME"] = str(own / "cache")
        work([SHARED, number] if number % 2 else [number, SHARED], own, uri)
        os._exit(0)
    os.close(gate)
    os.close(opener)
    sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))


if __name__ == "__main__":
    quiet_environment()
    main(*sys.argv[1:])
