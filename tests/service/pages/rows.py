"""Jobs as a service has them after some weeks, without a network: verdicts over given outcomes."""

import json

from sqlalchemy import func, insert, select, update

from acn_eval.gate import decide
from acn_eval.service import tables as t
from acn_eval.service.records import Target
from acn_eval.service.requests import Check, Evaluate, Judge
from tests.gate.pairs import gate, pair
from tests.service.versions import submit_version

HOSTILE = "</title><script>alert(1)</script>\x1b[31m\u202e\"'{{ 7*7 }}"
REPORT = (
    b"<!DOCTYPE html><html lang=en><title>Report</title><body><h1>All of it</h1></body></html>"
)
REFUSED = (
    "models:/vit-small/7: must hold one checkpoint, .safetensors or .pt; got data/model.pt2, "
    "which may run code when it is loaded. If you trust it: acn-eval convert --trust SOURCE "
    "OUT.safetensors"
)
# (gains, losses) in images of 1,000, by condition; what makes PASS, FAIL or NO VERDICT.
HISTORY = (
    {},
    {"clean": (20, 15), "gaussian_04": (30, 25)},
    {"clean": (5, 60), "gaussian_04": (0, 140)},
    {"clean": (25, 25), "gaussian_04": (60, 62), "gaussian_01": (30, 30)},
    {"clean": (30, 10), "gaussian_04": (60, 20)},
)


def version(service, number, *, model="vit-small", profile="nightly"):
    """Submit the gate of a version; returns its job."""
    sides = (f"models:/{model}/{number}", f"models:/{model}@champion")
    request = Judge(candidate=sides[0], baseline=sides[1], look=number)
    return submit_version(service.jobs, request, Target(profile, model, number, number))


def judge(service, changes, *, names=("vit_v2", "vit_v1"), size=1000):
    """Claim the next job and finish it with the verdict over given outcomes."""
    verdict = decide(gate(), *pair(size, names=names, **changes))
    claim = service.jobs.claim("lab-3:4711")
    sides = {side: vars(getattr(verdict, side)) for side in ("candidate", "baseline")}
    result = {
        "verdict": verdict.verdict,
        "sentence": verdict.sentence,
        "test_set": "fingerprint",
        "n": verdict.n,
        "alpha": verdict.alpha,
        "results": [side["key"] for side in sides.values()],
        "runs": {sides["candidate"]["key"]: "0f3a" * 8},
        "anchor": {"verdict": "fail", "sentence": "It is worse than the anchor."},
        **sides,
    }
    documents = {"verdict.json": json.dumps(verdict.to_dict()).encode(), "report.html": REPORT}
    service.jobs.finish(claim, "done", result=result, documents=documents)
    return claim.id


def fill(service):
    """Make one row of every kind; returns the numbers of jobs by what they are."""
    jobs, made = service.jobs, {}
    for number, changes in enumerate(HISTORY, 1):
        version(service, number)
        made[f"version {number}"] = judge(service, changes, names=(f"vit-small_v{number}", "base"))
    version(service, 6)
    judge(service, {}, names=("vit-small_v6", "base"), size=100)
    made["refused"] = version(service, 7).id
    jobs.finish(jobs.claim("lab-3:4711"), "refused", error=REFUSED)
    jobs.submit(Judge(candidate=HOSTILE, baseline=HOSTILE), by=HOSTILE)
    made["failed"] = claim = jobs.claim("lab-3:4711")
    jobs.fail(claim, f"{HOSTILE}: must be a checkpoint", final=True)
    made["failed"] = claim.id
    waiting, _ = jobs.submit(Check(name="left alone"), by="alice")
    jobs.cancel(waiting.id)
    made["cancelled"] = waiting.id
    made["running"] = version(service, 1, model="bert-tiny").id
    jobs.beat(jobs.claim("lab-3:4711"), (312, 1000))
    addresses = tuple(f"checkpoints/acn_{k}.pt" for k in range(5))
    made["waiting"] = jobs.submit(Evaluate(candidates=addresses), by="bob")[0].id
    version(service, 2, model="bert-tiny")
    _age(service)
    return made


def _age(service):
    """Move ended jobs into the past, the older ones further, and give them a worker."""
    now = service.database.now
    with service.database.write() as connection:
        latest = connection.scalar(select(func.max(t.job.c.id)))
        began = now - 9000 * (latest - t.job.c.id + 1)
        ended = update(t.job).where(t.job.c.finished.is_not(None))
        times = {"created": began, "started": began + 10, "finished": began + 900}
        connection.execute(ended.values(**times))
        for number in (3, 4):
            made = {"name": f"lab-{number}:4711", "started": now - 7200, "seen": now - number}
            connection.execute(insert(t.worker).values(**made, job=None, acn_eval="0.2.0"))
