"""The whole job as functions, for notebooks, threads and servers: from addresses to a verdict.

>>> from acn_eval import RunOptions, workflow
>>> options = RunOptions(candidates=("ac_vit.pt",), track=False)
>>> groups = [workflow.compare(group) for group in workflow.evaluate(options)]  # doctest: +SKIP
>>> done = workflow.save(groups, options.out)  # doctest: +SKIP
"""

from typing import TYPE_CHECKING

from acn_eval.lazy import on_first_use

if TYPE_CHECKING:
    from acn_eval.workflow.deciding import Decided, decide, of_gate
    from acn_eval.workflow.interim import compare_in_blocks, save_stopped
    from acn_eval.workflow.planning import Plan, Price, Wall, plan_of, walls
    from acn_eval.workflow.promoting import Promotion
    from acn_eval.workflow.reporting import Report, report
    from acn_eval.workflow.running import (
        Done,
        Group,
        ask,
        compare,
        count_examples,
        evaluate,
        record,
        run,
        runtime_of,
        save,
        suite_of,
        with_suite,
    )
    from acn_eval.workflow.sides import Sides, resolve

__all__ = [
    "Decided",
    "Done",
    "Group",
    "Plan",
    "Price",
    "Promotion",
    "Report",
    "Sides",
    "Wall",
    "ask",
    "compare",
    "compare_in_blocks",
    "count_examples",
    "decide",
    "evaluate",
    "of_gate",
    "plan_of",
    "record",
    "report",
    "resolve",
    "run",
    "runtime_of",
    "save",
    "save_stopped",
    "suite_of",
    "walls",
    "with_suite",
]

_HOMES = {
    "deciding": ("Decided", "decide", "of_gate"),
    "interim": ("compare_in_blocks", "save_stopped"),
    "planning": ("Plan", "Price", "Wall", "plan_of", "walls"),
    "promoting": ("Promotion",),
    "reporting": ("Report", "report"),
    "sides": ("Sides", "resolve"),
}
_HOME = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
__getattr__, __dir__ = on_first_use(
    __name__, {name: _HOME.get(name, f"{__name__}.running") for name in __all__}
)
