"""Executes evaluations and gates through the public workflow, in the process of a job alone."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from json import dumps
from pathlib import Path
from typing import Any

from acn_eval.checkpoints import load
from acn_eval.errors import AcnEvalError, CheckpointError
from acn_eval.gate import Gate, Verdict, read_gate
from acn_eval.lazy import uncollected
from acn_eval.results import EvalResult
from acn_eval.run_options import DataSelection, RunOptions
from acn_eval.service.requests import Data, Evaluate, Judge, parse_request
from acn_eval.stores import TrackingStore, is_run
from acn_eval.tally import Progress
from acn_eval.tracking import Recorder, preparing_here
from acn_eval.workflow.deciding import Decided, decide
from acn_eval.workflow.reporting import report
from acn_eval.workflow.running import Done, compare, evaluate, record, save

__all__ = ["Refused", "execute", "prepare"]
