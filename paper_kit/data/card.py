"""Card: what a dataset says of itself: name, citation, licence, protocol, ceiling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Card:
    """What the paper may say of a dataset, each line with its source.

    `citation` is a key of references.bib ("" where there is nothing to cite). `ceiling` is the accuracy (a
    fraction) that people reach, and `ceiling_source` says where it was read. `redistributable` says whether
    a paper may show the images. `targets` names the columns of a split's targets where these are not the
    classes.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    protocol: str
    licence: str
    redistributable: bool = False
    synthetic: bool = False
    citation: str = ""
    ceiling: float | None = None
    ceiling_source: str = ""
    official_counts: Mapping[str, Mapping[str, int]] | None = None
    targets: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The card as a dict that JSON can hold; `from_dict` reads it back."""
        return {**asdict(self), "classes": list(self.classes), "targets": list(self.targets)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Card:
        """The card that `as_dict` wrote; keys that this version does not know are left out."""
        known = {field.name for field in fields(cls)}
        kept = {key: value for key, value in values.items() if key in known}
        return cls(**{**kept, "classes": tuple(kept["classes"]), "targets": tuple(kept.get("targets", ()))})
