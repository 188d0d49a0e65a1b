"""Finds or creates runs, models and experiments, and fills each run at once."""

import json
from pathlib import Path
from typing import Any

from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.tracking.arms import model_key
from acn_eval.tracking.content import RunContent, key_name

__all__ = ["EXPERIMENT", "Writer"]

_DIGEST = 36  # MLflow takes no longer one
_BATCH = 100  # of more, MLflow 3.17 recognises only the first hundred as logged before
EXPERIMENT = "acn-eval/{suite}"
_ABOUT = """Accuracy of checkpoints under the suite **{suite}**.

- `acn_eval.kind = arm`: one checkpoint, one seed. `acc/*` is accuracy in percent with
  1000 x the level as the step; step 0 is the undisturbed images. `mean/*` averages over levels.
- `acn_eval.kind = comparison`: candidate minus baseline in percentage points on the same
  images, with 95 % limits, Holm-adjusted p and the minimum detectable effect.
"""


class Writer:
    """Writes runs with one client; the caller holds the lock of the store.

    Attributes:
        experiments: id by name, of all experiments that were written.
    """

    def __init__(self, client: Any, artifacts: Path | None) -> None:
        self.experiments: dict[str, str] = {}
        self._client = client
        self._artifacts = artifacts

    def write(
        self, content: RunContent, folder: Path | None, result: EvalResult | None = None
    ) -> str:
        """Write one run, or complete the one that is there; return its id."""
        experiment = self.experiment(content.suite)
        run = self._run(experiment, content)
        model = self._inputs(experiment, run, result) if result else None
        self._log(run, content, model)
        for name, text in content.files.items():
            self._client.log_text(run.info.run_id, text, name)
        if folder:
            self._client.log_artifacts(run.info.run_id, str(folder))
        if run.info.status != "FINISHED":
            self._client.set_terminated(run.info.run_id, end_time=run.info.start_time)
        return str(run.info.run_id)

    def find_arms(self, comparison: Comparison) -> dict[str, str]:
        """Return the run ids of the arms that were recorded before, by key."""
        experiment = self.experiment(comparison.suite)
        keys = (*comparison.candidate.keys, *comparison.baseline.keys)
        found = {key: self._search(experiment, f"tags.`acn_eval.key` = '{key}'") for key in keys}
        return {key: run.info.run_id for key, run in found.items() if run}

    def experiment(self, suite: str) -> str:
        """Return the id of the experiment of a suite, which is made where it is not there."""
        name = EXPERIMENT.format(suite=suite)
        if name not in self.experiments:
            known = self._client.get_experiment_by_name(name)
            self.experiments[name] = (
                known.experiment_id if known else self._new_experiment(name, suite)
            )
        return self.experiments[name]

    def _new_experiment(self, name: str, suite: str) -> str:
        folder = self._artifacts / key_name(name).replace("/", "-") if self._artifacts else None
        return str(
            self._client.create_experiment(
                name,
                artifact_location=folder.absolute().as_uri() if folder else None,
                tags={
                    "mlflow.note.content": _ABOUT.format(suite=suite),
                    "mlflow.experimentKind": "custom_model_development",
                    "acn_eval.suite": suite,
                },
            )
        )

    def _search(self, experiment: str, condition: str) -> Any:
        found = self._client.search_runs([experiment], condition, max_results=1)
        return found[0] if found else None

    def _run(self, experiment: str, content: RunContent) -> Any:
        identity = {"acn_eval.key": content.key, "acn_eval.digest": content.digest}
        known = self._search(
            experiment,
            " AND ".join(f"tags.`{tag}` = '{value}'" for tag, value in identity.items()),
        )
        if known:
            return self._client.get_run(known.info.run_id)  # a search leaves out the model
        source = {"mlflow.source.name": "acn-eval", "mlflow.source.type": "LOCAL"}
        return self._client.create_run(
            experiment, content.created_ms, {**identity, **source}, content.name
        )

    def _log(self, run: Any, content: RunContent, model: str | None) -> None:
        """Log in few calls; the time is the run's, so that the same values are the same rows."""
        from mlflow.entities import Metric, Param, RunTag

        at = run.info.start_time
        params = {k: v for k, v in content.params.items() if k not in run.data.params}
        self._client.log_batch(
            run.info.run_id,
            params=[Param(name, value) for name, value in params.items()],
            tags=[RunTag(name, value) for name, value in content.tags.items()],
        )
        metrics = [Metric(p.key, p.value, at, p.step, model_id=model) for p in content.points]
        for start in range(0, len(metrics), _BATCH):
            self._client.log_batch(run.info.run_id, metrics[start : start + _BATCH])

    def _inputs(self, experiment: str, run: Any, result: EvalResult) -> str:
        """Link the data and the network to the run; return the id of the network."""
        from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput

        if linked := run.inputs and run.inputs.model_inputs:
            return str(linked[0].model_id)
        data = result.data
        source = json.dumps({"name": data.name, "fingerprint": data.fingerprint})
        dataset = Dataset(
            f"{data.name} {data.split}", data.fingerprint[:_DIGEST], "acn-eval", source
        )
        model = self._model(experiment, result)
        self._client.log_inputs(
            run.info.run_id,
            datasets=[DatasetInput(dataset, [InputTag("mlflow.data.context", "eval")])],
            models=[LoggedModelInput(model)],
        )
        return model

    def _model(self, experiment: str, result: EvalResult) -> str:
        """Return the id of the network: a model whose weights live outside MLflow."""
        checkpoint, key = result.checkpoint, model_key(result)
        known = self._client.search_logged_models(
            [experiment], f"tags.`acn_eval.model` = '{key}'", max_results=1
        )
        if known:
            return str(known[0].model_id)
        made = self._client.create_logged_model(
            experiment,
            name=checkpoint.name.translate(str.maketrans("/:.%\"'", "______")),
            tags={
                "acn_eval.model": key,
                "acn_eval.sha256": checkpoint.sha256,
                "acn_eval.uri": checkpoint.uri,
            },
            params={key_name(name): str(value) for name, value in checkpoint.arch.items()},
            model_type=str(checkpoint.arch.get("kind", "unknown")),
        )
        self._client.finalize_logged_model(made.model_id, "READY")
        return str(made.model_id)
