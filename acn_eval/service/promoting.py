"""Moves an alias to a version that passed, once, unless something has changed since."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from acn_eval.service import tables as t
from acn_eval.service.access.audit import Audit
from acn_eval.service.arriving import submit_many
from acn_eval.service.baselines import anchor_of
from acn_eval.service.lock import Lock
from acn_eval.service.reconsidering import once_more
from acn_eval.service.records import Job
from acn_eval.service.registered import Registered, model_of, version_at
from acn_eval.service.requests import Judge
from acn_eval.service.settings import Profile

__all__ = ["Promotion"]


@dataclass(frozen=True)
class Promotion:
    """What a profile's alias is to a version of its model.

    Attributes:
        profile: names the alias.
        version: of the model.
        tags: of the version. They remember that it had the alias where the service's own tables
            do not: under another name of the profile, or after they were lost.
    """

    profile: Profile
    version: Registered
    tags: Mapping[str, str]

    @property
    def own(self) -> str:
        """The address of the alias."""
        return f"models:/{self.version.model}@{self.profile.promote}"

    @property
    def earlier(self) -> str | None:
        """The line about an earlier promotion, which is not repeated; None if there was none."""
        lines = [self._promoted, self._again]
        said = (text for name, text in self.tags.items() if name.endswith("promotion"))
        return self._again if any(text in lines for text in said) else None

    def promote(self, client: Any, lock: Lock, job: Job) -> str | None:
        """Move the alias, and return the line about it, which the job keeps.

        An alias that exists moves only from a version that the candidate passed against, as
        baseline or as anchor, and never to an older one. No other server moves one meanwhile: who
        was slow moves none back. Nothing in MLflow compares and moves at once: what a person
        changes within the milliseconds between is overwritten.

        Args:
            client: of the registry.
            lock: of the watcher.
            job: about the version, that ended with PASS.

        Returns:
            The line; None if the version is judged once more, against a new baseline.

        Raises:
            LockLost: another process watches.
            MlflowException: the registry does not answer; nothing is noted.
            TrackingError: the database does not answer.
        """
        if line := (job.result or {}).get("promotion"):
            return str(line)
        with lock.alone():
            with lock.database.write() as connection:
                lock.require(connection)
            line, current = self._decided(client, job)
            if current is None:
                if line == self._promoted:
                    self._move(client)
                _note(lock, job, line)
        if current is None:
            Audit(lock.database).note(f"profile {self.profile.name}", "alias", line)
        elif submit_many([once_more(job, self.version, current, self.profile)], lock):
            return None
        return line

    @property
    def _promoted(self) -> str:
        return f"promoted: {self.own} is version {self.version.version}"

    @property
    def _again(self) -> str:
        return f"not promoted once more: {self.own} was version {self.version.version} before"

    def _move(self, client: Any) -> None:
        number = str(self.version.version)
        client.set_registered_model_alias(self.version.model, str(self.profile.promote), number)

    def _decided(self, client: Any, job: Job) -> tuple[str, str | None]:
        """Return the line, and against what the version must be judged first."""
        version = self.version
        current = version_at(client, version.model, str(self.profile.promote))
        if current == version.version:
            return self._promoted, None
        if forbidden := self.earlier or self._anchor(client, job):
            return forbidden, None
        if current is None:
            lost = self.profile.baseline == f"@{self.profile.promote}"
            gone = f"not promoted: {self.own} is no version any more"
            return gone if lost else self._promoted, None
        if current > version.version:
            return f"not promoted: {self.own} is version {current}, which is newer", None
        now, result = f"models:/{version.model}/{current}", job.result or {}
        judged = (result.get("baseline") or {}).get("address")
        if now in {judged, (result.get("anchor") or {}).get("address")}:
            return self._promoted, None
        return f"not promoted: judged against {judged}; {self.own} is {now} now", now

    def _anchor(self, client: Any, job: Job) -> str | None:
        """Return the line if the anchor, as it is now, forbids it; None if it does not."""
        model = model_of(client, self.version.model)
        anchor = model and anchor_of(self.profile, model)
        if anchor in {None, self.version.address}:
            return None
        asked = job.request.anchor if isinstance(job.request, Judge) else None
        if asked != anchor:
            return f"not promoted: judged with {asked or 'nothing'} as anchor; it is {anchor} now"
        said = (job.result or {}).get("anchor") or {}
        if said.get("verdict") == "pass":
            return None
        why = said.get("sentence", "there is no verdict")
        return f"not promoted: against the anchor {anchor}, {why}"


def _note(lock: Lock, job: Job, line: str) -> None:
    noted = json.dumps({**(job.result or {}), "promotion": line})
    with lock.database.write() as connection:
        connection.execute(update(t.job).where(t.job.c.id == job.id).values(result=noted))
