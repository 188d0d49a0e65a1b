"""The options of a run: one frozen record, from a notebook, a server or the command line."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acn_eval.engine.choice import EngineChoice
from acn_eval.study.selection import DataSelection

if TYPE_CHECKING:
    from acn_eval.inference import Precision
    from acn_eval.study.suite import Suite

__all__ = ["DataSelection", "RunOptions"]


@dataclass(frozen=True)
class RunOptions:
    """A whole run; nothing else decides what is measured.

    Attributes:
        candidates: addresses of checkpoints, files or patterns of files; those that record one
            recipe are training seeds of one network, and several networks are ranked.
        baselines: likewise; None takes the baseline that each card names, and ``()`` none.
        suite: name of a shipped suite, path of a YAML, or a suite.
        group: whether files of one architecture that record no recipe are training seeds, too.
        changes: fields of the suite that are replaced, by name.
        data: which examples.
        arch, baseline_arch: of the authors' files, which do not record it.
        framing: fields of `Framing` that replace what the checkpoints state.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
        batch_size: examples per forward pass, halved where memory runs out; None follows a rule,
            see `fitting_batch`.
        precision: of the forward pass; ``"auto"`` follows a rule, see `numeric_for`.
        cache: whether finished outcomes are taken from the cache.
        engine: where it is computed.
        seed: of the noise; None takes 0, or that of a gate.
        metric: name in `statistics.metrics.METRICS`; None takes that of the data.
        out: folder for results.
        track: whether results are recorded in MLflow.
        tracking_uri: MLflow store; None takes MLFLOW_TRACKING_URI or ``./mlflow.db``.
    """

    candidates: tuple[str, ...] = ()
    baselines: tuple[str, ...] | None = None
    group: bool = False
    suite: "str | Suite" = "robustness"
    changes: Mapping[str, Any] = field(default_factory=dict)
    data: DataSelection = field(default_factory=DataSelection)
    arch: str | None = None
    baseline_arch: str | None = None
    framing: Mapping[str, Any] = field(default_factory=dict)
    device: str = "auto"
    batch_size: int | None = None
    precision: "Precision" = "auto"
    cache: bool = True
    engine: EngineChoice = field(default_factory=EngineChoice)
    seed: int | None = None
    metric: str | None = None
    out: Path = Path("acn-results")
    track: bool = True
    tracking_uri: str | None = None
