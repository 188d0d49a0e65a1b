"""`mlflow.models.evaluate` with the evaluator acn_eval, on logged torch models in SQLite."""

import os

import numpy as np
import pytest
from torch import nn

from acn_eval import compare
from acn_eval.data import open_examples
from acn_eval.errors import CheckpointError, ConfigError, DataError
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.results import is_cells
from acn_eval.studies.compare import summarize
from tests.tiny import SUITE, checkpoint

pytestmark = pytest.mark.filterwarnings("ignore")  # those of MLflow itself, as its users see them
LIMIT = 60


@pytest.fixture(scope="module")
def mlflow():
    """MLflow warns where it is imported, and warnings are errors outside of tests."""
    import mlflow

    return mlflow


@pytest.fixture(scope="module")
def home(mlflow, tiny, tmp_path_factory):
    """A folder with a suite, and the address of a logged model whose card says how it reads."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "small.yaml").write_text(SUITE)
    before, variables = mlflow.get_tracking_uri(), set(os.environ)
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    mlflow.create_experiment("models", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("models")
    logged = log(mlflow, checkpoint(tiny))
    yield folder, logged
    mlflow.set_tracking_uri(before)
    for name in set(os.environ) - variables:  # MLflow tells its children by variables
        del os.environ[name]


def log(mlflow, loaded):
    prepare = loaded.prepare
    card = {"mean": list(prepare.mean), "std": list(prepare.std), "name": loaded.id.name}
    with mlflow.start_run():
        return mlflow.pytorch.log_model(
            loaded.model,
            name="network",
            serialization_format="pickle",
            metadata={"acn_eval": card},
            pip_requirements=[],
        ).model_uri


@pytest.fixture(scope="module")
def rows():
    """The test digits as MLflow takes them: one row of pixels per image."""
    test = open_examples("digits", "test")
    images = test.inputs.images[test.positions]
    return images.reshape(len(test), -1), test.labels


@pytest.fixture
def _undrawn(monkeypatch):
    """Figures take seconds."""
    for name in ("draw_result", "draw_comparison"):
        monkeypatch.setattr(f"acn_eval.mlflow_plugin.evaluator.{name}", lambda *rest: None)


def ask(model, rows, config):
    from mlflow.models import evaluate

    images, labels = rows
    return evaluate(
        model,
        images,
        targets=labels,
        model_type="classifier",
        evaluators="acn_eval",
        evaluator_config=config,
    )


def expected(tiny, folder, *names):
    uris = [str(tiny / f"{name}.pt") for name in names]
    return evaluate(uris, str(folder / "small.yaml"), DataSelection(data="digits", limit=LIMIT))


def accuracies(result):
    return {row.name: pytest.approx(100 * row.estimate.value) for row in summarize([result])}


def test_mlflow_lists_the_evaluator(mlflow):
    assert "acn_eval" in mlflow.models.list_evaluators()


def test_a_logged_model_is_measured_compared_and_logged(mlflow, home, rows, tiny):
    folder, model = home
    baseline = str(tiny / "tiny_res.pt")
    config = {"suite": str(folder / "small.yaml"), "data": "digits", "limit": LIMIT}
    with mlflow.start_run() as run:
        found = ask(model, rows, {**config, "baseline": baseline})
    results = expected(tiny, folder, "tiny_ac", "tiny_res")
    comparison = compare(results[:1], results[1:])
    want = accuracies(results[0])
    assert found.metrics["acc/clean"] == want["clean"]
    assert found.metrics["acc/gaussian_0.3"] == want["gaussian 0.3"]
    assert found.metrics["mean/corrupted"] == want["mean corrupted"]
    assert found.metrics["diff_pp/primary"] == pytest.approx(
        100 * comparison.primary.difference.value
    )
    client = mlflow.MlflowClient()
    logged = client.get_run(run.info.run_id)
    assert found.metrics.items() <= logged.data.metrics.items()
    assert logged.data.tags["acn_eval.kind"] == "evaluation"
    assert logged.data.tags["acn_eval.verdict"] == comparison.claim.verdict
    curve = client.get_metric_history(run.info.run_id, "acc/gaussian")
    assert [point.step for point in curve] == [0, 100, 300]
    assert curve[0].value == want["clean"]
    files = {file.path for file in client.list_artifacts(run.info.run_id, "acn_eval")}
    names = ("table.md", "accuracy.png", "accuracy.svg", "result.json", "comparison.json")
    cells = {name for name in files if is_cells(name.removeprefix("acn_eval/"))}
    assert len(cells) == 1
    assert files - cells == {f"acn_eval/{name}" for name in names}
    assert comparison.primary.name in found.artifacts["acn_eval/table.md"].content
    assert found.artifacts["acn_eval/result.json"].content["checkpoint"]["name"] == "tiny_ac"


def test_what_is_returned_can_be_saved_and_loaded(mlflow, home, rows, tmp_path):
    folder, model = home
    config = {"suite": str(folder / "small.yaml"), "data": "digits", "limit": 8}
    found = ask(model, rows, config)
    found.save(tmp_path / "kept")
    again = mlflow.models.EvaluationResult.load(str(tmp_path / "kept"))
    assert again.metrics == found.metrics
    assert again.artifacts["acn_eval/table.md"].content.startswith("memory:tiny_ac on")
    assert again.artifacts["acn_eval/accuracy.png"].content.size[0] > 300


@pytest.mark.usefixtures("_undrawn")
def test_rows_that_are_given_are_the_images(home, rows, tiny):
    folder, model = home
    images, labels = rows
    config = {"suite": str(folder / "small.yaml"), "image": (8, 8, 1)}
    found = ask(model, rows, config)
    (whole,) = evaluate([str(tiny / "tiny_ac.pt")], str(folder / "small.yaml"))
    assert found.metrics["acc/clean"] == accuracies(whole)["clean"]
    parts = [ask(model, (images[:90], labels[:90]), config) for _ in range(2)]
    data = [r.artifacts["acn_eval/result.json"].content["data"] for r in (found, *parts)]
    assert [facts["n"] for facts in data] == [352, 90, 90]
    assert data[0]["name"] != data[1]["name"]
    assert data[1] == data[2]


@pytest.mark.usefixtures("_undrawn")
def test_labels_count_the_classes_that_are_named(home, rows):
    folder, model = home
    images, labels = rows
    few = images[labels < 3], labels[labels < 3]
    config = {"suite": str(folder / "small.yaml"), "image": (8, 8, 1)}
    with pytest.raises(CheckpointError, match=r"\(1, 3\); got \(1, 10\)"):
        ask(model, few, config)
    named = ask(model, few, {**config, "classes": [f"digit {n}" for n in range(10)]})
    facts = named.artifacts["acn_eval/result.json"].content["data"]
    assert (facts["n"], facts["classes"][0]) == (len(few[0]), "digit 0")


@pytest.mark.usefixtures("_undrawn")
def test_a_loaded_model_and_a_module_are_baselines(mlflow, home, rows, tiny):
    folder, model = home
    other = checkpoint(tiny, "tiny_res")
    logged = mlflow.pyfunc.load_model(log(mlflow, other))
    base = {"suite": str(folder / "small.yaml"), "data": "digits", "limit": LIMIT}
    module = {"baseline": other.model, "mean": other.prepare.mean, "std": other.prepare.std}
    primaries = [
        ask(model, rows, {**base, **baseline}).metrics["diff_pp/primary"]
        for baseline in ({"baseline": str(tiny / "tiny_res.pt")}, {"baseline": logged}, module)
    ]
    assert primaries[0] == primaries[1] == primaries[2] != 0


@pytest.mark.usefixtures("_undrawn")
def test_the_config_wins_over_the_model_s_own_card(home, rows, tiny):
    folder, model = home
    config = {"suite": str(folder / "small.yaml"), "data": "digits", "limit": LIMIT}
    plain = ask(model, rows, config).artifacts["acn_eval/result.json"].content
    changed = ask(model, rows, {**config, "mean": [0.9], "std": [0.5], "name": "odd"})
    facts = changed.artifacts["acn_eval/result.json"].content["checkpoint"]
    assert (facts["name"], facts["preprocessing"]["mean"]) == ("odd", [0.9])
    assert plain["checkpoint"]["preprocessing"]["mean"] == list(checkpoint(tiny).prepare.mean)


def test_it_takes_part_only_where_a_suite_is_named(home, rows):
    from acn_eval.mlflow_plugin import Evaluator

    def asked(kind, config):
        return Evaluator.can_evaluate(model_type=kind, evaluator_config=config)

    assert asked("classifier", {"suite": "robustness"})
    assert not asked("classifier", {"log_model_explainability": False})
    assert not asked("classifier", None)
    assert not asked("regressor", {"suite": "robustness"})


@pytest.mark.parametrize(
    ("config", "error", "words"),
    [
        ({"sede": 3}, ConfigError, "evaluator_config: sede"),
        ({"data": ""}, ConfigError, r"image must be \(height, width, channels\)"),
        ({"data": "", "image": (9, 8, 1)}, ConfigError, "image must fit rows"),
        ({"baseline": nn.Identity}, ConfigError, "baseline: must hold a torch network"),
        ({"baseline": "nowhere.pt"}, CheckpointError, "nowhere.pt"),
        ({"classes": ["a", "b"]}, CheckpointError, "one logit per class"),
        ({"class_order": "random"}, ConfigError, "class_order"),
        ({"mean": [0.5, 0.5]}, ConfigError, "one number for each"),
        ({"limit": 0}, ConfigError, "limit"),
    ],
)
def test_what_cannot_be_measured_is_one_line(home, rows, config, error, words):
    folder, model = home
    base = {"suite": str(folder / "small.yaml"), "data": "digits", "limit": 8}
    with pytest.raises(error, match=words) as caught:
        ask(model, rows, {**base, **config})
    assert "\n" not in str(caught.value)


def test_rows_that_are_no_pixels_are_refused(home, rows):
    folder, model = home
    images, labels = rows
    with pytest.raises(DataError, match="must be uint8"):
        ask(
            model,
            (images / 255, labels),
            {"suite": str(folder / "small.yaml"), "image": (8, 8, 1)},
        )


def test_a_model_that_is_no_torch_network_is_refused(home, rows):
    folder, _ = home
    with pytest.raises(ConfigError, match="model: must hold a torch network"):
        ask(np.argmax, rows, {"suite": str(folder / "small.yaml"), "data": "digits"})
