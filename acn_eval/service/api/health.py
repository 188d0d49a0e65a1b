"""Whether the process lives, and whether it can work."""

from fastapi import APIRouter

__all__ = ["ROUTER"]

ROUTER = APIRouter(tags=["health"])


@ROUTER.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}
