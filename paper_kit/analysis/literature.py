"""Published results, read from a TOML file that people edit, each with the protocol it was measured by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from paper_kit.core.config import Frozen, read_toml, validate
from paper_kit.core.errors import InputError

UNKNOWN = ("not seen", "not stated", "")  # how a file says that the source does not tell


class Published(Frozen):
    """One published accuracy in percent, with what its source says of the protocol."""

    name: str
    value: Annotated[float, Field(gt=0, le=100)]
    dataset: str
    classes: Annotated[int, Field(ge=2)]
    split: str = "not seen"
    extra_data: str = "not seen"
    tta: str = "not seen"
    selection: str = "not seen"
    cite: str
    note: str = ""
    verified: bool = False

    @property
    def protocol(self) -> tuple[str, ...] | None:
        """What must agree for two values to be compared; None where the source leaves any of it open."""
        parts = (self.dataset, str(self.classes), self.split, self.extra_data, self.tta, self.selection)
        return None if any(part.strip().lower() in UNKNOWN for part in parts) else parts


class Literature(Frozen):
    """literature.toml: its [[result]] tables."""

    result: tuple[Published, ...] = ()


def read_literature(path: Path) -> tuple[Published, ...]:
    """The published results of a file, in its order; InputError lists everything wrong with it."""
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file, and the table of published results needs one. Put it there, or "
            'take table("literature") out of the templates.'
        )
    return validate(Literature, read_toml(path), str(path)).result
