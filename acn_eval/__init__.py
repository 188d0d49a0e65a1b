"""acn-eval: is a network that was trained differently really better?"""

from acn_eval.lazy import on_first_use

__all__ = [
    "DataSelection",
    "RunOptions",
    "compare",
    "evaluate",
    "from_module",
    "load",
    "rank",
    "workflow",
]

__getattr__, __dir__ = on_first_use(
    __name__,
    {
        "DataSelection": "acn_eval.run_options",
        "RunOptions": "acn_eval.run_options",
        "compare": "acn_eval.studies.compare",
        "evaluate": "acn_eval.evaluation",
        "from_module": "acn_eval.checkpoints",
        "load": "acn_eval.checkpoints",
        "rank": "acn_eval.studies.compare",
        "workflow": "acn_eval.workflow",
    },
)
