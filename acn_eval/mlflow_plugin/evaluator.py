"""The class that MLflow calls: one suite on a model that it loaded, into a run that it began."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, RunTag
from mlflow.models.evaluation import EvaluationResult, ModelEvaluator
from mlflow.models.evaluation.artifacts import (
    ImageEvaluationArtifact,
    JsonEvaluationArtifact,
    TextEvaluationArtifact,
)

from acn_eval.cache import OutcomeCache
from acn_eval.data import open_examples
from acn_eval.errors import ConfigError
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.figures import NAME, draw_comparison, draw_result
from acn_eval.inference import Runtime, resolve_device
from acn_eval.mlflow_plugin.networks import baseline_of, checkpoint_of, network_of, written
from acn_eval.mlflow_plugin.plan import Plan, reads_of
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.statistics.comparison import save_comparison
from acn_eval.studies.compare import by_metric, compare, summarize
from acn_eval.tracking.result_run import arm_run
from acn_eval.tracking.run_content import end_point_key, key_name, tags_of
from acn_eval.tracking.tables import accuracy_table, comparison_table

__all__ = ["Evaluator"]

_FOLDER = "acn_eval"
_KINDS = {
    "table.md": TextEvaluationArtifact,
    f"{NAME}.png": ImageEvaluationArtifact,
    "result.json": JsonEvaluationArtifact,
    "comparison.json": JsonEvaluationArtifact,
}


class Evaluator(ModelEvaluator):  # type: ignore[misc]
    """The evaluator ``acn_eval``; see docs/mlflow.md."""

    @classmethod
    def can_evaluate(
        cls, *, model_type: str, evaluator_config: Mapping[str, Any], **_: Any
    ) -> bool:
        """Whether a suite is named: MLflow also offers it every classifier of tables."""
        return model_type == "classifier" and "suite" in (evaluator_config or {})

    def evaluate(
        self,
        *,
        dataset: Any,
        run_id: str,
        evaluator_config: Mapping[str, Any],
        model: Any = None,
        **others: Any,
    ) -> EvaluationResult:
        """Measure the model, compare it, and log into the run.

        Args:
            dataset: rows and labels that were given to ``mlflow.models.evaluate``.
            run_id: of the run that MLflow has begun.
            evaluator_config: see `Plan`.
            model: pyfunc that MLflow has loaded.
            others: further arguments of MLflow; metrics and artifacts of the user are refused.

        Raises:
            AcnEvalError: the config, the model or the data cannot be measured.
        """
        _refuse(model, others)
        plan = Plan.of(evaluator_config)
        with TemporaryDirectory() as name:
            done = _measured(model, dataset, plan, Path(name))
            metrics = _metrics(done)
            client = MlflowClient()
            # MLflow logs the metrics of models that it knows, once for the run and the model.
            _log(client, run_id, done, metrics={} if others.get("model_id") else metrics)
            client.log_artifacts(run_id, str(done.folder), _FOLDER)
            uri = f"{client.get_run(run_id).info.artifact_uri}/{_FOLDER}"
            return EvaluationResult(metrics, _artifacts(done.folder, uri), run_id)


@dataclass(frozen=True)
class _Done:
    result: EvalResult
    comparison: Comparison | None
    folder: Path


def _refuse(model: Any, others: Mapping[str, Any]) -> None:
    if model is None:
        raise ConfigError("model: must be given; predictions alone show nothing under noise")
    for name in ("extra_metrics", "custom_artifacts"):
        if others.get(name):
            raise ConfigError(f"{name}: must be empty; the evaluator acn_eval has its own")


def _measured(model: Any, dataset: Any, plan: Plan, folder: Path) -> _Done:
    """Evaluate and compare; everything that is worth keeping is in the folder of the result."""
    network = network_of(model, "model")
    reads, data, root = reads_of(model, plan), plan.data, plan.data_root
    if not data:
        rows, labels = dataset.features_data, dataset.labels_data
        data, root = written(rows, labels, plan.image, reads, folder), folder
    examples = open_examples(data, "test", root)
    candidate = checkpoint_of(network, reads, examples, "model")
    baseline = baseline_of(plan, examples)
    results = evaluate(
        [candidate, *([baseline] if baseline else [])],
        plan.suite,
        DataSelection(data=data, root=root, limit=plan.limit, class_order=plan.class_order),
        seed=plan.seed,
        # The user's cache knows networks by their weights; code in memory may have changed.
        runtime=Runtime(resolve_device(plan.device), store=OutcomeCache(folder / "outcomes")),
    )
    target = results[0].save(folder)
    comparison = compare(results[:1], results[1:]) if baseline else None
    if comparison is None:
        table = accuracy_table(results[0], summarize(results))
        draw_result(results[0], target)
    else:
        table = comparison_table(comparison)
        (save_comparison(comparison, folder) / "comparison.json").replace(
            target / "comparison.json"
        )
        draw_comparison(comparison, target, results)
    (target / "table.md").write_text(f"{table}\n", encoding="utf-8")
    return _Done(results[0], comparison, target)


def _metrics(done: _Done) -> dict[str, float]:
    """Return one number per metric and condition, without steps.

    ``acc/gaussian_0.1`` is an accuracy in percent, ``mean/corrupted`` the primary endpoint,
    ``nll/primary`` that of another metric, and ``diff_pp/gaussian_0.1`` with ``ci_low_pp``,
    ``ci_high_pp`` and ``p_holm`` the comparison.
    """
    found = dict(_compared(done.comparison)) if done.comparison else {}
    for metric, (*rows, primary) in by_metric([done.result]).items():
        own = metric == "accuracy"
        for row in rows:
            name = f"{'acc' if own else metric}/{row.name}"
            found[name] = row.quantity.scale * row.estimate.value
        name = end_point_key(primary.name) if own else f"{metric}/primary"
        found[name] = primary.quantity.scale * primary.estimate.value
    return {key_name(name.replace(",", "")): value for name, value in found.items()}


def _compared(comparison: Comparison) -> Iterator[tuple[str, float]]:
    named = {row.name: row for row in comparison.rows}
    for name, row in {**named, "primary": comparison.primary}.items():
        yield f"diff_pp/{name}", 100 * row.difference.value
        yield f"ci_low_pp/{name}", 100 * row.difference.low
        yield f"ci_high_pp/{name}", 100 * row.difference.high
        yield f"p_holm/{name}", row.p_holm


def _log(client: MlflowClient, run: str, done: _Done, *, metrics: Mapping[str, float]) -> None:
    """Log curves, metrics and tags; the name, description and parameters of the run stay."""
    arm = arm_run(done.result)
    at = client.get_run(run).info.start_time
    stepped = {point.key for point in arm.points if point.step} - metrics.keys()
    tags = {**arm.tags, **tags_of({"kind": "evaluation", "key": arm.key})}
    del tags["mlflow.note.content"]
    if done.comparison:
        verdict, baseline = done.comparison.claim.verdict, done.comparison.baseline.label
        tags |= tags_of({"verdict": verdict, "baseline": baseline})
    client.log_batch(
        run,
        metrics=[
            *(Metric(p.key, p.value, at, p.step) for p in arm.points if p.key in stepped),
            *(Metric(name, value, at, 0) for name, value in metrics.items()),
        ],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )


def _artifacts(folder: Path, uri: str) -> dict[str, Any]:
    """Return what MLflow hands to the user, with its content."""
    found = {}
    for name, kind in _KINDS.items():
        if (folder / name).is_file():
            artifact = kind(uri=f"{uri}/{name}")
            artifact._load(folder / name)
            found[f"{_FOLDER}/{name}"] = artifact
    return found
