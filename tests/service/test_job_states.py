"""Whatever is done to jobs in whatever order, they stand as a simple model says."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule
from sqlalchemy import update

from acn_eval.service import tables as t
from acn_eval.service.database import Database
from acn_eval.service.jobs import Jobs
from acn_eval.service.migrations import migrate
from acn_eval.service.records import LeaseLost
from acn_eval.service.requests import Check

NAMES = st.sampled_from("abc")
ENDS = ("failed", "refused", "cancelled")


@dataclass
class Model:
    """A job as it should stand; `held` is the attempt that has it."""

    id: int
    name: str
    state: str = "queued"
    attempt: int = 0
    failures: int = 0
    lapsed: bool = False
    cancelled: bool = False
    told: list[str] = field(default_factory=lambda: ["queued"])

    def become(self, state):
        self.state, self.lapsed = state, False
        self.told.append(state)


class Queue(RuleBasedStateMachine):
    """Every rule does one thing to the queue and to the model."""

    claims = Bundle("claims")

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model = {}

    def teardown(self):
        shutil.rmtree(self.folder)

    @initialize()
    def start(self):
        database = Database.at(f"sqlite:///{self.folder / 'service.db'}")
        migrate(database)
        self.jobs = Jobs(database)

    @rule(name=NAMES)
    def submit(self, name):
        job, new = self.jobs.submit(Check(name=name), by="me")
        held = self.latest(name)
        assert new == (held is None or held.state != "queued")
        if new:
            self.model[job.id] = Model(job.id, name)
        assert self.latest(name).id == job.id

    @rule(target=claims, lapses=st.booleans())
    def claim(self, lapses):
        for held in sorted(self.model.values(), key=lambda held: (not held.lapsed, held.id)):
            if held.lapsed and held.cancelled:
                held.attempt += 1
                held.become("cancelled")
            elif held.state == "queued" or held.lapsed:
                held.attempt += 1
                held.become("running")
                held.lapsed = lapses
                break
        else:
            held = None
        claim = self.jobs.claim("w", lease=-1.0 if lapses else 60.0)
        assert (claim and (claim.id, claim.attempt)) == (held and (held.id, held.attempt))
        return claim

    @rule(claim=claims)
    def beat(self, claim):
        if held := self.must_hold(claim, lambda: self.jobs.beat(claim, (1, 2))):
            assert self.jobs.beat(claim) == (not held.cancelled)
            held.lapsed = False

    @rule(claim=claims, state=st.sampled_from(["done", "refused", "cancelled"]))
    def finish(self, claim, state):
        if held := self.must_hold(claim, lambda: self.jobs.finish(claim, state)):
            held.become(state)

    @rule(claim=claims, counts=st.booleans(), final=st.booleans())
    def fail(self, claim, counts, final):
        work = lambda: self.jobs.fail(claim, "error", counts=counts, final=final)  # noqa: E731
        if held := self.must_hold(claim, work):
            held.failures += counts
            ended = "failed" if final or held.failures == 3 else "queued"
            held.become("cancelled" if held.cancelled else ended)
            with self.jobs.database.write() as connection:  # nobody waits here
                connection.execute(update(t.job).values(not_before=0.0))

    @rule(claim=claims)
    def release(self, claim):
        if held := self.must_hold(claim, lambda: self.jobs.release(claim)):
            held.become("cancelled" if held.cancelled else "queued")

    @rule(name=NAMES)
    def cancel(self, name):
        if held := self.latest(name):
            self.jobs.cancel(held.id)
            if held.state == "queued" or held.lapsed:
                held.become("cancelled")
            held.cancelled |= held.state in {"running", "cancelled"}

    @rule(name=NAMES)
    def retry(self, name):
        if held := self.latest(name):
            self.jobs.retry(held.id)
            if held.state in ENDS:
                held.become("queued")
                held.failures, held.cancelled = 0, False

    @rule()
    def prune(self):
        assert self.jobs.prune(1.0) == 0

    @rule(name=NAMES)
    def look(self, name):
        if held := self.latest(name):
            job = self.jobs.job(held.id)
            assert (job.state, job.attempt, job.failures) == (
                *(held.state, held.attempt, held.failures),
            )
            assert (job.owner is not None) == (held.state == "running")
            assert (job.finished is not None) == (held.state not in {"queued", "running"})
            told = [e.data["state"] for e in self.jobs.events(job.id, kind="state")]
            assert told == held.told

    def latest(self, name):
        """The model of the last job of a name; None if there is none."""
        return next((m for m in reversed(self.model.values()) if m.name == name), None)

    def must_hold(self, claim, work):
        """Do what only the holder of a job may; return its model, or None if it was refused."""
        if claim is None:
            return None
        held = next(held for held in self.model.values() if held.id == claim.id)
        if (held.state, held.attempt) == ("running", claim.attempt):
            work()
            return held
        with pytest.raises(LeaseLost):
            work()
        return None


Queue.TestCase.settings = settings(
    max_examples=6,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
test_jobs_stand_as_a_simple_model_says = Queue.TestCase


@pytest.mark.slow
class TestAtLength(Queue.TestCase):
    settings = settings(Queue.TestCase.settings, max_examples=300, stateful_step_count=50)
