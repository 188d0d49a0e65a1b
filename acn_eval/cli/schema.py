"""`acn-eval schema`: the JSON Schema of a suite's YAML."""

import click

__all__ = ["command"]


@click.command()
def command() -> None:
    """Print the JSON Schema of a suite's YAML, for editors and validators.

    Put `# yaml-language-server: $schema=suite.schema.json` on the first line of your YAML.
    """
    import json

    from acn_eval.suites import schema

    click.echo(json.dumps(schema(), indent=2))
