"""What a store holds, without the ids that it made up: equal content, equal rows."""

from contextlib import contextmanager

RUNS = """SELECT runs.run_uuid, runs.name, runs.status, experiments.name, tags.value
    FROM runs JOIN experiments ON runs.experiment_id = experiments.experiment_id
    JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'acn_eval.digest'
    WHERE runs.lifecycle_stage = 'active'"""
ROWS = {
    "metrics": "SELECT run_uuid, key, step, value FROM metrics",
    "latest": "SELECT run_uuid, key, step, value FROM latest_metrics",
    "params": "SELECT run_uuid, key, value FROM params",
    "tags": "SELECT run_uuid, key, value FROM tags WHERE key NOT LIKE '%\\_runs' ESCAPE '\\' "
    "AND key <> 'mlflow.note.content'",  # these link runs by their ids
}
INPUTS = """SELECT inputs.destination_id, datasets.name, datasets.digest
    FROM inputs JOIN datasets ON inputs.source_id = datasets.dataset_uuid"""
EXPERIMENTS = "SELECT name FROM experiments"
VERSIONS = """SELECT name, version FROM model_versions
    WHERE current_stage <> 'Deleted_Internal'"""
MODELS = "SELECT name FROM logged_models WHERE lifecycle_stage = 'active'"


def contents(uri):
    """Every row of a database as sorted text, runs by their name and their answer."""
    with connected(uri) as ask:
        runs = {run: fields for run, *fields in ask(RUNS)}
        found = {"runs": sorted(map(str, runs.values()))}
        for name, query in {**ROWS, "inputs": INPUTS}.items():
            found[name] = sorted(
                f"{runs[run]} {fields}" for run, *fields in ask(query) if run in runs
            )
        found["experiments"] = sorted(map(str, ask(EXPERIMENTS)))
        found["versions"] = sorted(map(str, ask(VERSIONS)))
        found["models"] = sorted(map(str, ask(MODELS)))
        return found


@contextmanager
def connected(uri):
    from sqlalchemy import create_engine, text

    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            yield lambda query: connection.execute(text(query)).fetchall()
    finally:
        engine.dispose()
