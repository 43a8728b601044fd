"""The lease of a run: which process works on it. A folder in which its owner makes the files of the run.

`lease.<n>` is a draft that names its owner, renamed: a file system does that for one contender only, and n
grows with every owner. The owner's heartbeat changes the time of owner.json; whoever sees no change for the
lease period, by his own monotonic clock, makes lease.<n+1> and takes lease.<n> away. With it goes the place
from which the old owner renames his files, so that nothing he makes after he wakes can arrive. No clock is
compared with another one's, and nothing is asked of the file system but that renaming is atomic.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from paper_kit.core.owner import Owner, period_s, this_process

BEATS = 10  # heartbeats in a lease period
OWNER = "owner.json"
_NAME = re.compile(r"lease\.(\d{1,9})")
_DRAFT = ".lease."  # how the names of folders begin that are no lease yet, or no longer


class Sign(StrEnum):
    """What is known of the process that works on a run."""

    NONE = "none"  # nobody works on it
    UNSURE = "unsure"  # no heartbeat was seen so far
    ALIVE = "alive"


@dataclass(frozen=True)
class Claim:
    """The newest lease of a folder as it was found."""

    number: int
    held: bool  # False: it was given back
    owner: Owner | None = None  # None: given back, or not readable
    beat: int = 0  # of the last heartbeat; only whether it changes says something

    @property
    def free(self) -> bool:
        """Whether anybody may follow at once."""
        return not self.held or (self.owner is not None and self.owner.gone)

    @property
    def period_s(self) -> float:
        """The silence after which this lease may be superseded; its owner promised to beat more often."""
        return self.owner.period_s if self.owner is not None else period_s()


def newest(folder: Path) -> Claim | None:
    """The newest lease in a folder; None where there is none."""
    number = max(_numbers(folder), default=0)
    while number:
        found = _read(folder, number)
        again = max(_numbers(folder), default=0)
        if again == number:
            return found
        number = again
    return None


def take(folder: Path, over: Claim | None, job: str = "") -> Lease | None:
    """A lease that follows `over`, the newest one as it was found; None where somebody was faster.

    Whether `over` may be followed is for the caller to know.
    """
    number = over.number + 1 if over else 1
    owner = this_process(job)
    draft = folder / f"{_DRAFT}{owner.token}"
    draft.mkdir(parents=True)
    try:
        (draft / OWNER).write_text(owner.model_dump_json(), encoding="utf-8")
        draft.rename(folder / f"lease.{number}")
    except OSError:  # it is there and not empty: another was faster; or this file system takes no more
        if draft.is_dir() and max(_numbers(folder), default=0) < number:
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    found = newest(folder)
    if found is None or found.owner != owner:
        return None
    for older in _numbers(folder):
        if older < number:
            _take_away(folder / f"lease.{older}")
    return Lease(folder, number, owner)


def clear(folder: Path, number: int | None = None) -> None:
    """Nothing; of the folder's leases (up to this number) and of drafts, nothing is left."""
    for each in _numbers(folder):
        if number is None or each <= number:
            _take_away(folder / f"lease.{each}")
    for draft in folder.glob(f"{_DRAFT}*"):
        shutil.rmtree(draft, ignore_errors=True)


class Lease:
    """A lease that this process holds, with its heartbeat."""

    def __init__(self, folder: Path, number: int, owner: Owner) -> None:
        self.folder = folder
        self.number = number
        self.place = (folder / f"lease.{number}").absolute()
        self._owner = owner
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"lease-{folder.name}", daemon=True)
        self._heart.start()

    def give_back(self, *, done: bool = False) -> None:
        """Nothing; anybody may follow at once. Where the run is done, no trace is left."""
        self._stop.set()
        self._heart.join(timeout=1.0)
        found = _read(self.folder, self.number)
        if found.owner is not None and found.owner != self._owner:
            return
        with suppress(OSError):  # superseded; or the disk takes no more: free once this process is gone
            if done:
                clear(self.folder, self.number)
            else:
                (self.place / OWNER).unlink()

    def _beat(self) -> None:
        while not self._stop.wait(self._owner.period_s / BEATS):
            try:
                os.utime(self.place / OWNER)
            except FileNotFoundError:  # superseded; the next file that is written says so
                return
            except OSError:  # a file system that is away for a moment
                continue


@dataclass(frozen=True)
class Sight:
    """What was seen of another's lease so far."""

    number: int
    token: str
    beat: int
    looked: float  # monotonic
    silent_s: float = 0.0
    alive: bool = False  # whether a heartbeat was seen


class Watch:
    """How long others' leases have been silent, by this process's clock."""

    def __init__(self) -> None:
        self._seen: dict[Path, Sight] = {}

    def sign(self, folder: Path, unknown: Callable[[str], bool]) -> Sign:
        """What was seen so far of the folder's owner, who is superseded where he was silent for his period,
        or where `unknown` says of his job that its queue no longer knows it."""
        found = newest(folder)
        if found is None or found.free:
            return Sign.NONE
        sight = self._look(folder, found)
        job = found.owner.job if found.owner else ""
        if sight.silent_s >= found.period_s or (job and unknown(job)):
            held = take(folder, found)
            if held is not None:
                held.give_back()
                return Sign.NONE
        return Sign.ALIVE if sight.alive else Sign.UNSURE

    def _look(self, folder: Path, found: Claim) -> Sight:
        now = time.monotonic()
        token = found.owner.token if found.owner else ""
        sight = Sight(found.number, token, found.beat, now)
        before = self._seen.get(folder)
        if before is not None and (before.number, before.token) == (found.number, token):
            # Who looks may have been stopped himself, together with the owner: a long gap says little.
            counted = min(now - before.looked, 2 * found.period_s / BEATS)
            changed = before.beat != found.beat
            silent_s = 0.0 if changed else before.silent_s + counted
            sight = Sight(found.number, token, found.beat, now, silent_s, before.alive or changed)
        self._seen[folder] = sight
        return sight


def _numbers(folder: Path) -> list[int]:
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return [int(match[1]) for match in map(_NAME.fullmatch, names) if match]


def _read(folder: Path, number: int) -> Claim:
    try:
        with (folder / f"lease.{number}" / OWNER).open("rb") as opened:
            beat = os.fstat(opened.fileno()).st_mtime_ns  # of the opened file: NFS asks its server then
            text = opened.read(10_000)
    except (FileNotFoundError, NotADirectoryError):
        return Claim(number, held=False)
    try:
        return Claim(number, held=True, owner=Owner.model_validate_json(text), beat=beat)
    except ValidationError:  # damaged, or of a later version: its silence must be seen
        return Claim(number, held=True, beat=beat)


def _take_away(place: Path) -> None:
    """Nothing; the folder and what was being made in it are gone."""
    aside = place.with_name(f"{_DRAFT}{secrets.token_hex(8)}")
    with suppress(FileNotFoundError):
        place.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
