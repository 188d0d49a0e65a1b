"""Registered versions in a real MLflow store."""

from pathlib import Path

import mlflow
import pytest

from acn_eval.stores import resolve_store


def client_in(folder: Path):
    """A client of the store in a folder."""
    return client_at(f"sqlite:///{folder / 'mlflow.db'}")


def client_at(uri: str):
    """A client of the store at an address."""
    store = resolve_store(uri, cwd=Path.cwd())
    with store.lock():
        return store.client()


def logged(client, files, place=None) -> str:
    """The id of a run that holds files."""
    run = client.create_run("0").info.run_id
    for file in files:  # a folder keeps its name
        client.log_artifact(run, str(file), place)
    return run


def registered(client, name, source) -> str:
    """The address of a new version of a model."""
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    run = source.split("/")[1] if source.startswith("runs:") else None  # what a server asks for
    made = client.create_model_version(name, source, run)
    return f"models:/{name}/{made.version}"


def shelved(client, name, *files) -> str:
    """The address of a version that holds files."""
    return registered(client, name, f"runs:/{logged(client, files, 'model')}/model")


def logged_model(store: str, network, format: str, example=None, **options) -> str:
    """The id of a run that logged a network as version 1 of ``vit``, by MLflow's own means."""
    before = mlflow.get_tracking_uri()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", store)  # what the next line changes, too
        mlflow.set_tracking_uri(store)
        with mlflow.start_run(experiment_id="0") as run:  # another test may have named its own
            mlflow.pytorch.log_model(
                network,
                name="vit",
                registered_model_name="vit",
                serialization_format=format,
                input_example=example if format == "pt2" else None,
                pip_requirements=[],
                **options,
            )
        mlflow.set_tracking_uri(before)
    return run.info.run_id
