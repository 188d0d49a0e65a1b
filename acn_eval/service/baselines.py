"""What a version is compared with, where a profile says ``@alias``, ``previous`` or an address."""

from collections.abc import Collection
from dataclasses import dataclass

from acn_eval.foreign_text import shortened
from acn_eval.service.registered import Model, Registered
from acn_eval.service.requests import LONGEST, Judge
from acn_eval.service.settings import Profile

__all__ = ["ANCHOR", "Lineage", "anchor_of"]

ANCHOR = "acn_eval.anchor"
"""The tag of a model that names the version against which promotions must pass, too."""


def anchor_of(profile: Profile, model: Model) -> str | None:
    """Return the address of the anchor: the profile's, else the model's; None if there is none.

    A tag that can be no address becomes one of no checkpoint: jobs about its model end with it,
    and nobody else's.
    """
    if not profile.promote:
        return None
    tag = model.tags.get(ANCHOR, "").encode(errors="backslashreplace").decode()
    return profile.anchor or shortened(tag, LONGEST) or None


@dataclass(frozen=True)
class Lineage:
    """The versions of a model as a profile sees them.

    Attributes:
        profile: of whom.
        model: its aliases and tags.
        numbers: the versions that are there.
        refused: those that cannot be measured.
    """

    profile: Profile
    model: Model
    numbers: Collection[int]
    refused: Collection[int]

    def request(self, held: Registered) -> Judge:
        """Return what is asked about a version."""
        profile = self.profile
        anchor = anchor_of(profile, self.model)
        return Judge(
            gate=profile.gate,
            candidate=held.address,
            baseline=self.baseline(held),
            anchor=anchor if anchor != held.address else None,
            data=profile.data,
        )

    def baseline(self, held: Registered) -> str | None:
        """Return the address of a version's baseline; its own where it is itself the baseline.

        None if there is none yet: no version has the alias, or none came before. An alias stays
        one, and is looked up when the version is measured.
        """
        asked = self.profile.baseline
        if asked == "previous":
            before = [n for n in self.numbers if n < held.version and n not in self.refused]
            return f"models:/{held.model}/{max(before)}" if before else None
        if not asked.startswith("@"):
            return asked
        number = self.model.aliases.get(asked[1:])
        if number is None:
            return None
        return held.address if number == held.version else f"models:/{held.model}{asked}"

    def fixed(self, held: Registered) -> str | None:
        """Return the baseline by its number, where that is a version that came before."""
        asked = self.baseline(held)
        if asked is None or not self.profile.baseline.startswith("@"):
            return asked
        number = self.model.aliases[self.profile.baseline[1:]]
        return f"models:/{held.model}/{number}" if number < held.version else None
