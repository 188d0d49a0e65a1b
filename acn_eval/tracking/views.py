"""The pages of an experiment in MLflow's UI: their filters, groups and columns."""

import json
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from acn_eval.studies.table import studies
from acn_eval.tracking.run_content import end_point_key

__all__ = ["Page", "link", "pages", "view_tags"]

_TAG = "mlflow.sharedViewState.{key}"  # MLflow's own name for a view that is shared by its address
_KEY = "acn_eval_{name}"


class Page(NamedTuple):
    """One page of an experiment: charts of the runs of a kind, or a table of them.

    Attributes:
        columns: of the table; MLflow leaves out those that no run has.
        group: tag for whose values the charts draw one line each, the mean of its runs.
    """

    kind: str
    charts: bool = True
    columns: tuple[str, ...] = ()
    group: str = ""

    def state(self) -> dict[str, Any]:
        """Return what MLflow's UI stores of a page; the rest is as in a new browser."""
        keys = [{"mode": "tag", "groupByData": self.group}] if self.group else []
        return {
            "searchFilter": f"tags.acn_eval.kind = '{self.kind}'",
            "selectedColumns": list(self.columns),
            "groupBy": {"aggregateFunction": "average", "groupByKeys": keys} if keys else None,
        }


def pages() -> dict[str, Page]:
    """Return all pages; those with columns or groups need a view, a tag of the experiment."""
    every = (e for own in studies().values() for e in own.analysis.endpoints)
    endpoints = (end_point_key(endpoint.name) for endpoint in every)
    metrics = (f"metrics.`{name}`" for name in dict.fromkeys(("acc/clean", *endpoints)))
    tags = (f"tags.`acn_eval.{tag}`" for tag in ("connectivity", "depth", "train_seed", "gate"))
    sizes = ("diff_pp", "ci_low_pp", "ci_high_pp", "mde_pp")
    verdict = ("tags.`acn_eval.verdict`", *(f"metrics.`{name}/primary`" for name in sizes))
    ranked = ("params.`networks`", *(f"tags.`acn_eval.{tag}`" for tag in ("first", "letters")))
    return {
        "curves": Page("arm"),
        "comparisons": Page("comparison"),
        "architectures": Page("arm", group="acn_eval.connectivity"),
        "checkpoints": Page("arm", charts=False, columns=(*metrics, *tags)),
        "verdicts": Page("comparison", charts=False, columns=verdict),
        "rankings": Page("ranking", charts=False, columns=ranked),
    }


def view_tags() -> dict[str, str]:
    """Return the tags of an experiment that hold its views."""
    return {
        _TAG.format(key=_KEY.format(name=name)): json.dumps(page.state())
        for name, page in pages().items()
        if page.columns or page.group
    }


def link(experiment_id: str, name: str) -> str:
    """Return the end of the address of a page.

    Without ``workflowType`` MLflow opens its pages for language models. Without the filter the
    charts of arms name comparisons in their legends, and ten comparisons hide all arms.
    """
    page = pages()[name]
    query = {"workflowType": "machine_learning"}
    if page.charts:
        query["compareRunsMode"] = "CHART"
    if page.columns or page.group:  # beside a filter in the address, MLflow ignores the view
        query["viewStateShareKey"] = _KEY.format(name=name)
    else:
        query["searchFilter"] = page.state()["searchFilter"]
    return f"/#/experiments/{experiment_id}/runs?{urlencode(query, quote_via=quote)}"
