"""The tables of the service's own database, apart from MLflow's.

Whoever changes them, or the fields of requests, adds a version to `migrations`.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = [
    "METADATA",
    "audit",
    "delivery",
    "document",
    "event",
    "idempotency",
    "job",
    "lock",
    "session",
    "token",
    "worker",
]

METADATA = MetaData()

# Times are seconds since 1970 by the database's clock, which all workers share.
job = Table(
    "job",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("request", Text, nullable=False),
    Column("submitted_by", String(100), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("rank", Integer, Computed("-priority", persisted=True)),  # the order of claims
    Column("state", String(20), nullable=False),
    Column("created", Double, nullable=False),
    Column("not_before", Double, nullable=False),
    Column("started", Double),
    Column("finished", Double),
    Column("owner", String(200)),
    Column("lease", Double),  # until when the owner has it
    Column("attempt", Integer, nullable=False, default=0),  # the fencing token
    Column("failures", Integer, nullable=False, default=0),
    Column("lost", Integer, nullable=False, default=0),  # workers that did not come back
    Column("told", Double, nullable=False, default=0.0),  # when progress last became an event
    Column("cancelled", Boolean, nullable=False, default=False),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("result", Text),
    Column("error", Text),
    # Profile, model and version belong to a version of a registered model; other jobs have none.
    Column("profile", String(100)),
    Column("model", String(300)),
    Column("version", Integer),
    Column("verdict", String(20)),
    Column("test_set", String(200)),  # that the verdict is about
    Column("asked", Integer),  # how many verdicts there were about it, with this one
    Column("mirrored", String(40)),  # what the registry shows, see `mirroring`
    Index("job_waiting", "state", "rank", "id"),
    Index("job_finished", "finished"),
    Index("job_of_version", "model", "version"),
    Index("job_of_test_set", "test_set"),
    sqlite_autoincrement=True,
)
event = Table(
    "event",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("job", Integer, ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
    Column("at", Double, nullable=False),
    Column("kind", String(20), nullable=False),  # state or progress
    Column("data", Text, nullable=False),  # JSON
    Index("event_of_job", "job", "id"),
    sqlite_autoincrement=True,
)
document = Table(  # small files that jobs leave, so that workers elsewhere need no shared folder
    "document",
    METADATA,
    Column("job", Integer, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(100), primary_key=True),  # report.html, verdict.json
    Column("content", LargeBinary, nullable=False),
)
worker = Table(
    "worker",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("started", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("job", Integer),
    Column("acn_eval", String(50), nullable=False),  # its version
)
token = Table(
    "token",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("scope", String(20), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double),
    Column("revoked", Double),
)
session = Table(  # of browsers, whose cookies hold what is hashed here
    "session",
    METADATA,
    Column("sha256", String(64), primary_key=True),
    Column("token", String(16), ForeignKey("token.id", ondelete="CASCADE"), nullable=False),
    Column("expires", Double, nullable=False),
)
audit = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("who", String(100), nullable=False),
    Column("what", String(50), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    sqlite_autoincrement=True,
)
delivery = Table(  # of webhooks, so that none counts twice
    "delivery",
    METADATA,
    Column("id", String(100), primary_key=True),
    Column("at", Double, nullable=False),
    Column("result", String(20), nullable=False),
)
idempotency = Table(  # keys of requests that clients may send twice
    "idempotency",
    METADATA,
    Column("key", String(64), primary_key=True),  # sha256 of who sent it, and of the key
    Column("request", String(64), nullable=False),  # that it was first used for
    Column("at", Double, nullable=False),
)
lock = Table(  # what one process at a time does, such as reading the registry
    "lock",
    METADATA,
    Column("name", String(50), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("lease", Double, nullable=False),
)
