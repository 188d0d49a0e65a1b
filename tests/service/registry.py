"""Models in a real registry, and jobs about them that end as a test says."""

from dataclasses import replace

from acn_eval.service.lock import Lock
from acn_eval.service.settings import Profile, Settings
from acn_eval.service.watching import poll

PROFILE = Profile(name="nightly", models="vit*", baseline="@champion", promote="champion")


def watched(service, *profiles, **fields):
    """The service with profiles, by default one that promotes the champion of ``vit*``."""
    settings = Settings(profiles=profiles or (PROFILE,), **fields)
    return replace(service, settings=settings)


def look(service, owner="test"):
    return poll(service, Lock(service.database, "watcher", owner))


def register(store, name="vit", *, count=1):
    """Create versions; returns the client and the number of the last."""
    client = store.client()
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    made = [client.create_model_version(name, "file:///nowhere") for _ in range(count)]
    return client, int(made[-1].version)


def tags(client, version, name="vit"):
    """The tags of a version, without ``acn_eval.``."""
    held = client.get_model_version(name, str(version)).tags
    return {key.removeprefix("acn_eval."): value for key, value in held.items()}


def jobs_of(service):
    """All jobs, the earliest first."""
    return service.jobs.page(limit=200)[::-1]


def ends(service, *, state="done", verdict="pass", against=None, **fields):
    """Let a worker take the next job and end it; returns the job as it then is."""
    claim = service.jobs.claim("w")
    asked = claim.request
    result = {
        "verdict": verdict,
        "sentence": f"{verdict}, says the test.",
        "gate": asked.gate,
        "test_set": "f" * 64,
        "alpha": 0.05 / (asked.look * (asked.look + 1)) if asked.look else 0.05,
        "baseline": {"address": against or asked.baseline},
        **fields,
    }
    if state == "failed":
        service.jobs.fail(claim, "it is wrong", final=True)
    else:
        done = state == "done"
        service.jobs.finish(
            claim, state, result=result if done else None, error=None if done else "it is refused"
        )
    return service.jobs.job(claim.id)
