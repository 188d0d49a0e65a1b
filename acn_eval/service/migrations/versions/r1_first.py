"""The tables as they were first: jobs, what they tell and leave, workers, tokens, audit, locks."""

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    Computed,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)

__all__ = ["down_revision", "revision", "upgrade"]

revision = "1"
down_revision = None


def upgrade() -> None:
    """Create all tables."""
    _jobs()
    _of_jobs()
    _of_users()
    _of_processes()


def _jobs() -> None:
    op.create_table(
        "job",
        Column("id", Integer, primary_key=True),
        Column("key", String(64), nullable=False),
        Column("kind", String(20), nullable=False),
        Column("request", Text, nullable=False),
        Column("submitted_by", String(100), nullable=False),
        Column("priority", Integer, nullable=False),
        Column("rank", Integer, Computed("-priority", persisted=True)),
        Column("state", String(20), nullable=False),
        Column("created", Double, nullable=False),
        Column("not_before", Double, nullable=False),
        Column("started", Double),
        Column("finished", Double),
        Column("owner", String(200)),
        Column("lease", Double),
        Column("attempt", Integer, nullable=False),
        Column("failures", Integer, nullable=False),
        Column("lost", Integer, nullable=False),
        Column("told", Double, nullable=False),
        Column("cancelled", Boolean, nullable=False),
        Column("done", Integer, nullable=False),
        Column("total", Integer, nullable=False),
        Column("result", Text),
        Column("error", Text),
        Column("profile", String(100)),
        Column("model", String(300)),
        Column("version", Integer),
        Column("verdict", String(20)),
        Column("test_set", String(200)),
        Column("asked", Integer),
        Column("mirrored", String(40)),
        UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    op.create_index("job_waiting", "job", ["state", "rank", "id"])
    op.create_index("job_finished", "job", ["finished"])
    op.create_index("job_of_version", "job", ["model", "version"])
    op.create_index("job_of_test_set", "job", ["test_set"])


def _of_jobs() -> None:
    op.create_table(
        "event",
        Column("id", Integer, primary_key=True),
        Column("job", Integer, ForeignKey("job.id", ondelete="CASCADE"), nullable=False),
        Column("at", Double, nullable=False),
        Column("kind", String(20), nullable=False),
        Column("data", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("event_of_job", "event", ["job", "id"])
    op.create_table(
        "document",
        Column("job", Integer, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
        Column("name", String(100), primary_key=True),
        Column("content", LargeBinary, nullable=False),
    )


def _of_users() -> None:
    op.create_table(
        "token",
        Column("id", String(16), primary_key=True),
        Column("name", String(100), nullable=False),
        Column("sha256", String(64), nullable=False),
        Column("scope", String(20), nullable=False),
        Column("created", Double, nullable=False),
        Column("expires", Double),
        Column("revoked", Double),
    )
    op.create_table(
        "session",
        Column("sha256", String(64), primary_key=True),
        Column("token", String(16), ForeignKey("token.id", ondelete="CASCADE"), nullable=False),
        Column("expires", Double, nullable=False),
    )
    op.create_table(
        "audit",
        Column("id", Integer, primary_key=True),
        Column("at", Double, nullable=False),
        Column("who", String(100), nullable=False),
        Column("what", String(50), nullable=False),
        Column("detail", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "delivery",
        Column("id", String(100), primary_key=True),
        Column("at", Double, nullable=False),
        Column("result", String(20), nullable=False),
    )
    op.create_table(
        "idempotency",
        Column("key", String(64), primary_key=True),
        Column("request", String(64), nullable=False),
        Column("at", Double, nullable=False),
    )


def _of_processes() -> None:
    op.create_table(
        "worker",
        Column("name", String(200), primary_key=True),
        Column("started", Double, nullable=False),
        Column("seen", Double, nullable=False),
        Column("job", Integer),
        Column("acn_eval", String(50), nullable=False),
    )
    op.create_table(
        "lock",
        Column("name", String(50), primary_key=True),
        Column("owner", String(200), nullable=False),
        Column("lease", Double, nullable=False),
    )
