"""MLflow stores: what an address points to, and clients that answer within limits."""

from acn_eval.stores.addresses import in_mlflow, is_run, model_name
from acn_eval.stores.store import TrackingStore, opened, resolve_store, tracking_errors

__all__ = [
    "TrackingStore",
    "in_mlflow",
    "is_run",
    "model_name",
    "opened",
    "resolve_store",
    "tracking_errors",
]
