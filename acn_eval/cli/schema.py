"""`acn-eval schema`: the JSON Schema of the YAML of a suite, gate, recipe, card or service."""

import click

__all__ = ["command"]


@click.command()
@click.option("--gate", "kind", flag_value="gate", help="Of a gate, not of a suite.")
@click.option("--recipe", "kind", flag_value="recipe", help="Of a recipe, not of a suite.")
@click.option("--card", "kind", flag_value="card", help="Of a card beside weights.")
@click.option("--service", "kind", flag_value="service", help="Of the settings of a service.")
def command(kind: str | None) -> None:
    """Print the JSON Schema of a suite's YAML, for editors and validators.

    Put `# yaml-language-server: $schema=suite.schema.json` on the first line of your YAML.
    """
    import json

    from acn_eval.checkpoints.library_card import LibraryCard
    from acn_eval.gate import gate_schema
    from acn_eval.service.settings import Settings
    from acn_eval.studies.read import schema
    from acn_eval.training import Recipe

    schemas = {
        None: schema,
        "gate": gate_schema,
        "recipe": Recipe.model_json_schema,
        "card": LibraryCard.model_json_schema,
        "service": Settings.model_json_schema,
    }
    click.echo(json.dumps(schemas[kind](), indent=2))
