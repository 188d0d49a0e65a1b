"""Finds or creates runs, models and experiments, and fills each run at once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acn_eval.atomic import is_part
from acn_eval.errors import TrackingError
from acn_eval.foreign_text import markdown, plain
from acn_eval.results import EvalResult
from acn_eval.stores import TrackingStore
from acn_eval.stores.artifacts import require_own
from acn_eval.tracking.run_content import (
    NAME,
    RunContent,
    experiment_name,
    key_name,
    model_key,
    tags_of,
)
from acn_eval.tracking.views import view_tags

__all__ = ["Writer"]

_DIGEST = 36  # MLflow takes no longer one
_BATCH = 100  # beyond, MLflow 3.17 does not recognize what was logged before
_ATTEMPTS = 5
_RACES = {"RESOURCE_ALREADY_EXISTS", "BAD_REQUEST", "INVALID_PARAMETER_VALUE"}
_FINISHED = "FINISHED"
_LOST = "{name}: must be found again once it is written; the store has lost it"
_ABOUT = """Accuracy of checkpoints under the suite **{suite}**.

- `acn_eval.kind = arm`: one checkpoint, one seed. `acc/*` is accuracy in percent; the step is
  {step}. `mean/*` averages over the steps. Other metrics have names such as `nll/*`.
- `acn_eval.kind = comparison`: candidate minus baseline in percentage points on the same
  examples, with 95 % limits, Holm-adjusted p and the minimum detectable effect.
- `acn_eval.kind = ranking`: several networks, all pairs compared. `best_rank/*` and
  `worst_rank/*` are what the pairs leave open, `mean/*` is the primary endpoint.
"""


class Writer:
    """Writes runs with one client; the caller holds the lock of the store.

    The lock is that of one machine, and MLflow has none: other machines may write the same at
    the same time. What fails for that reason is repeated, which changes nothing; of equal runs
    that are finished every writer keeps the same one, so that one remains.

    `experiments` holds the id of every experiment that was written, by name.
    """

    def __init__(self, client: Any, store: TrackingStore) -> None:
        self.experiments: dict[str, str] = {}
        self._client = client
        self._store = store

    def write(
        self, content: RunContent, folder: Path | None, result: EvalResult | None = None
    ) -> str:
        """Write one run, or complete one that was begun; return its id."""
        from mlflow.exceptions import MlflowException

        for _ in range(_ATTEMPTS - 1):
            try:
                return self._write(content, folder, result)
            except MlflowException as exc:
                if exc.error_code not in _RACES:
                    raise
        return self._write(content, folder, result)

    def _write(self, content: RunContent, folder: Path | None, result: EvalResult | None) -> str:
        experiment = self.experiment(content.suite, content.step)
        if result:
            self._make_model(experiment, result)
        run = self._run(experiment, content)
        require_own(run.info.artifact_uri, self._store)
        self._describe(run, content)
        for name, text in content.files.items():
            self._client.log_text(run.info.run_id, text, name)
        if folder:
            self._attach(run.info.run_id, folder)
        self._measure(run, content, self._inputs(experiment, run, result) if result else None)
        if run.info.status != _FINISHED:
            self._client.set_terminated(run.info.run_id, end_time=run.info.start_time)
        return self._keep_one(experiment, content)

    def find_arms(self, experiment: str, keys: Sequence[str]) -> dict[str, str]:
        """Return the run ids of the arms that were recorded before, by key."""
        found = {key: self._search(experiment, {"acn_eval.key": key}) for key in keys}
        return {key: runs[-1].info.run_id for key, runs in found.items() if runs}

    def experiment(self, suite: str, step: str) -> str:
        """Return the id of the experiment of a suite, which is created where it is missing.

        The description of a new experiment says what the step of its metrics is.
        """
        name = experiment_name(suite)
        if name not in self.experiments:
            known = self._experiment(name)
            self.experiments[name] = known or self._new_experiment(name, suite, step)
        return self.experiments[name]

    def _experiment(self, name: str) -> str:
        """Return the id of an experiment, whose views are updated; "" where it is missing."""
        known = self._client.get_experiment_by_name(name)
        if known is None:
            return ""
        for tag, value in view_tags().items():
            if known.tags.get(tag) != value:
                self._client.set_experiment_tag(known.experiment_id, tag, value)
        return str(known.experiment_id)

    def _new_experiment(self, name: str, suite: str, step: str) -> str:
        from mlflow.exceptions import MlflowException

        own = self._store.artifacts
        folder = own / key_name(name).replace("/", "-") if own else None
        try:
            made = self._client.create_experiment(
                name,
                artifact_location=folder.absolute().as_uri() if folder else None,
                tags={
                    "mlflow.note.content": _ABOUT.format(suite=markdown(suite), step=step),
                    "mlflow.experimentKind": "custom_model_development",
                    **tags_of({"suite": suite}),
                    **view_tags(),
                },
            )
        except MlflowException as exc:
            if exc.error_code == "RESOURCE_ALREADY_EXISTS" and (other := self._experiment(name)):
                return other  # of another machine
            raise
        return str(made)

    def _search(self, experiment: str, tags: Mapping[str, str]) -> list[Any]:
        """Return the runs with these tags, in the same order on all machines."""
        wanted = " AND ".join(f"tags.`{tag}` = '{value}'" for tag, value in tags.items())
        found = self._client.search_runs([experiment], wanted)
        return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))

    def _run(self, experiment: str, content: RunContent) -> Any:
        """Return the run to fill: one that was begun and not finished, any other, or a new one."""
        known = self._search(experiment, _identity(content))
        if known:
            begun = [run for run in known if run.info.status != _FINISHED]
            chosen = (begun or known)[0]
            return self._client.get_run(chosen.info.run_id)  # a search leaves out the model
        source = {"mlflow.source.name": "acn-eval", "mlflow.source.type": "LOCAL"}
        tags = {**_identity(content), **source}
        return self._client.create_run(experiment, content.created_ms, tags, content.name)

    def _keep_one(self, experiment: str, content: RunContent) -> str:
        """Delete equal runs that are finished but for one; return its id."""
        same = self._search(experiment, _identity(content))
        finished = [run.info.run_id for run in same if run.info.status == _FINISHED]
        if not finished:
            raise TrackingError(_LOST.format(name=content.name))
        kept, *doubles = finished
        for double in doubles:
            with _permitted():
                self._client.delete_run(double)
        return str(kept)

    def _describe(self, run: Any, content: RunContent) -> None:
        from mlflow.entities import Param, RunTag

        known = run.data.params
        params = [Param(k, v) for k, v in content.params.items() if k not in known]
        tags = [RunTag(name, value) for name, value in content.tags.items()]
        self._client.log_batch(run.info.run_id, params=params, tags=tags)

    def _measure(self, run: Any, content: RunContent, model: str | None) -> None:
        """Log in few calls; the time is the run's, so that the same values are the same rows."""
        from mlflow.entities import Metric

        at = run.info.start_time
        metrics = [Metric(p.key, p.value, at, p.step, model_id=model) for p in content.points]
        for start in range(0, len(metrics), _BATCH):
            self._client.log_batch(run.info.run_id, metrics[start : start + _BATCH])

    def _attach(self, run: str, folder: Path) -> None:
        """Log the files of a folder, except those that other processes are writing."""
        for file in sorted(folder.iterdir()):
            if file.is_file() and not is_part(file):
                self._client.log_artifact(run, str(file))

    def _inputs(self, experiment: str, run: Any, result: EvalResult) -> str:
        """Link the data and the network to the run; return the id of the network."""
        from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput

        if linked := run.inputs and run.inputs.model_inputs:
            return str(linked[0].model_id)
        data, model = result.data, self._model(experiment, result)
        source = json.dumps({"name": data.name, "fingerprint": data.fingerprint})
        name = plain(f"{data.name} {data.split}", NAME)
        dataset = Dataset(name, data.fingerprint[:_DIGEST], "acn-eval", source)
        shown = DatasetInput(dataset, [InputTag("mlflow.data.context", "eval")])
        models = [LoggedModelInput(model)]
        self._client.log_inputs(run.info.run_id, datasets=[shown], models=models)
        return model

    def _model(self, experiment: str, result: EvalResult) -> str:
        """Return the id of the model that all machines use."""
        found = self._models(experiment, result)
        if not found:
            raise TrackingError(_LOST.format(name=result.checkpoint.name))
        return str(found[0].model_id)

    def _models(self, experiment: str, result: EvalResult) -> list[Any]:
        """Return the models of this network, in the same order on all machines."""
        wanted = f"tags.`acn_eval.model` = '{model_key(result)}'"
        found = self._client.search_logged_models([experiment], wanted)
        return sorted(found, key=lambda model: (model.creation_timestamp, model.model_id))

    def _make_model(self, experiment: str, result: EvalResult) -> None:
        """Create the model of the network, whose weights are outside MLflow, if it is missing."""
        if self._models(experiment, result):
            return
        checkpoint = result.checkpoint
        made = self._client.create_logged_model(
            experiment,
            name=plain(checkpoint.name, NAME).translate(str.maketrans("/:.%\"'", "______")),
            tags=tags_of(
                {"model": model_key(result), "sha256": checkpoint.sha256, "uri": checkpoint.uri}
            ),
            params={key_name(name): plain(str(value)) for name, value in checkpoint.arch.items()},
            model_type=plain(str(checkpoint.arch.get("kind", "unknown")), NAME),
        )
        self._client.finalize_logged_model(made.model_id, "READY")
        if self._model(experiment, result) != made.model_id:
            with _permitted():
                self._client.delete_logged_model(made.model_id)  # another machine was first


@contextmanager
def _permitted() -> Iterator[None]:
    """Leave what the server does not permit to delete: the next run of its owner deletes it."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as exc:
        if exc.error_code != "PERMISSION_DENIED":
            raise


def _identity(content: RunContent) -> dict[str, str]:
    """Return the tags that identify a run: its question and its answer."""
    return tags_of({"key": content.key, "digest": content.digest})
