"""What every part of a running service holds."""

from dataclasses import dataclass
from pathlib import Path

from acn_eval.service.database import Database
from acn_eval.service.jobs import Jobs
from acn_eval.service.settings import Settings
from acn_eval.stores import TrackingStore

__all__ = ["Service"]


@dataclass(frozen=True)
class Service:
    """A service.

    Attributes:
        settings: what it does.
        database: of its jobs.
        store: MLflow's, whose registry it watches and where it records.
        home: folder of its results and logs.
        url: where people reach it, without a slash at the end.
    """

    settings: Settings
    database: Database
    store: TrackingStore
    home: Path
    url: str

    @property
    def jobs(self) -> Jobs:
        """The queue."""
        return Jobs(self.database)
