"""Recipes that cannot be trained are refused in one line."""

import yaml

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
