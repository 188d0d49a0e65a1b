"""`acn-eval schema`: the JSON Schema of a suite's or a gate's YAML."""

import click

__all__ = ["command"]


@click.command()
@click.option("--gate", is_flag=True, help="Of a gate, not of a suite.")
def command(gate: bool) -> None:
    """Print the JSON Schema of a suite's YAML, for editors and validators.

    Put `# yaml-language-server: $schema=suite.schema.json` on the first line of your YAML.
    """
    import json

    from acn_eval.gate import gate_schema
    from acn_eval.studies.read import schema

    click.echo(json.dumps(gate_schema() if gate else schema(), indent=2))
