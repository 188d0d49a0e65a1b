"""How a low-data suite is measured: by its mode."""

from typing import Any

from acn_eval.studies.low_data.probed import FineTunedStudy, ProbedStudy
from acn_eval.studies.low_data.trained import LowDataStudy
from acn_eval.study.request import Request
from acn_eval.study.run import Study

__all__ = ["STUDY"]

_MODES = {"scratch": LowDataStudy, "probe": ProbedStudy, "fine_tune": FineTunedStudy}


def _of_mode(request: Request[Any]) -> Study[Any]:
    study: Study[Any] = _MODES[request.suite.mode](request)
    return study


STUDY = _of_mode
