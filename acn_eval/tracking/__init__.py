"""MLflow as a view of the results on disk: stores, runs, and the server that shows them."""

from acn_eval.tracking.record import Recorder, preparing, record
from acn_eval.tracking.registry import Registry
from acn_eval.tracking.server import chart_links, serving
from acn_eval.tracking.stored_results import OnDisk, attach, find, stored

__all__ = [
    "OnDisk",
    "Recorder",
    "Registry",
    "attach",
    "chart_links",
    "find",
    "preparing",
    "record",
    "serving",
    "stored",
]
