"""MLflow as a view of the results on disk: stores, runs, and the server that shows them."""

from acn_eval.tracking.record import Recorded, charts, record
from acn_eval.tracking.store import Store, preparing, resolve_store

__all__ = ["Recorded", "Store", "charts", "preparing", "record", "resolve_store"]
