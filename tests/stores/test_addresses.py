"""Addresses in MLflow."""

from acn_eval.stores import in_mlflow, model_name


def test_names_in_addresses():
    assert model_name("models:/vit/3") == model_name("models:/vit@champion") == "vit"
    assert model_name("runs:/abc") is None
    assert in_mlflow("runs:/abc")
    assert not in_mlflow("models/vit.pt")
