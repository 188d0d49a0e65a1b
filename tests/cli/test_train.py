"""Recipes that cannot be trained are refused in one line."""

import json

import yaml

from acn_eval.checkpoints.native import read_native
from tests.tiny import recipe


def test_recipes_that_are_wrong(folder, refused):
    fields = recipe(steps=2).model_dump(mode="json")
    (folder / "wrong.yaml").write_text(yaml.safe_dump({**fields, "learning_rat": 1}))
    assert "Did you mean learning_rate?" in refused(2, "train", "wrong.yaml")
    assert "No such file" in refused(2, "train", "nosuch.yaml")
    (folder / "hot.yaml").write_text(
        yaml.safe_dump(
            {**fields, "learning_rate": 100, "weight_decay": 100, "warmup": 0, "steps": 40}
        )
    )
    assert "the loss must be finite" in refused(4, "train", "hot.yaml", "--device", "cpu")
    assert not (folder / "hot.pt").exists()


def test_a_certificate_is_written_beside_the_recipe(folder, call, monkeypatch):
    monkeypatch.setattr("acn_eval.training.certify.has_bf16", lambda device: True)
    fields = recipe(steps=2, precision="bf16").model_dump(mode="json")
    (folder / "mine.yaml").write_text(yaml.safe_dump(fields))
    (folder / "mine.bf16").mkdir()
    (folder / "mine.bf16" / "notes.txt").write_text("mine")
    code, said, _ = call("train", "mine.yaml", "--certify", "--device", "cpu")
    assert (code, said.split(" bf16 ")[0]) == (0, "mine.bf16.json:")
    assert [path.name for path in (folder / "mine.bf16").iterdir()] == ["notes.txt"]
    assert call("train", "mine.yaml", "--device", "cpu", "--seed", 7)[0] == 0
    card = read_native(folder / "mine.pt").card.training
    assert card.recipe["certificate"] == json.loads((folder / "mine.bf16.json").read_text())


def test_a_certificate_has_seeds_of_its_own(folder, refused):
    (folder / "mine.yaml").write_text(yaml.safe_dump(recipe().model_dump(mode="json")))
    told = refused(2, "train", "mine.yaml", "--certify", "--seed", 7)
    assert "--certify: must be given without --out, --seed and --pair" in told
