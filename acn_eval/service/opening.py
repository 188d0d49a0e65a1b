"""Opens a service from what its commands are given."""

from pathlib import Path

from acn_eval.service.database import Database
from acn_eval.service.migrations import migrate
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings, read_settings
from acn_eval.stores import resolve_store

__all__ = ["open_service"]


def open_service(
    home: Path, *, database: str, config: Path | None = None, tracking_uri: str | None = None
) -> Service:
    """Return the service of a folder, whose database gets the tables that it lacks.

    Args:
        home: of results and logs; it is made.
        database: URL.
        config: YAML of its settings.
        tracking_uri: MLflow store, as in `resolve_store`.

    Raises:
        ConfigError: an address or the YAML is wrong, or the database is newer than this version.
        TrackingError: the database does not answer.
        OSError: the folder cannot be written.
    """
    settings = read_settings(config) if config else Settings()
    store = resolve_store(tracking_uri, cwd=Path.cwd())
    home.mkdir(mode=0o700, parents=True, exist_ok=True)  # its database holds who did what
    opened = Database.at(database)
    migrate(opened)
    return Service(settings, opened, store, home.absolute(), settings.url or "")
