"""Jobs about versions of models that no registry holds."""

from acn_eval.service.arriving import Arrival, submit_many
from acn_eval.service.lock import Lock


def submit_version(jobs, request, target, *, priority=0):
    """Submit a job about a version, as the watcher does; return it."""
    lock = Lock(jobs.database, "versions", "test")
    assert lock.take()
    assert submit_many([Arrival(request, target, priority)], lock) == 1
    lock.release()
    return jobs.page(model=target.model, version=target.version, limit=1)[0]
