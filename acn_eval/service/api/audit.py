"""Who did what, for administrators."""

from fastapi import APIRouter, Depends

from acn_eval.service.access.audit import Audit
from acn_eval.service.access.guards import needs
from acn_eval.service.answers import AuditAnswer, AuditEntryAnswer
from acn_eval.service.api.problems import PROBLEMS
from acn_eval.service.api.state import Before, Here, Limit

__all__ = ["ROUTER"]

ROUTER = APIRouter(tags=["audit"], responses=PROBLEMS, dependencies=[Depends(needs("admin"))])


@ROUTER.get("/v1/audit")
def audit(service: Here, before: Before = None, limit: Limit = 50) -> AuditAnswer:
    """List what was done, the latest first; `before` is the `next` of the page before."""
    rows = Audit(service.database).page(before=before, limit=limit + 1)
    items = tuple(map(AuditEntryAnswer.model_validate, rows[:limit]))
    return AuditAnswer(items=items, next=items[-1].id if len(rows) > limit else None)
