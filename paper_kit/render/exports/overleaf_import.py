"""An Overleaf project that returns: edited prose becomes edits of templates, edited values are refused."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from paper_kit.core.archives import inside
from paper_kit.core.errors import InputError
from paper_kit.core.files import write_bytes
from paper_kit.render.exports.changes import Changes, Edit
from paper_kit.render.exports.landing import agreed, landed
from paper_kit.render.exports.overleaf import README, ROOT, print_of
from paper_kit.render.exports.pieces import Piece
from paper_kit.render.exports.record import NAME, Record
from paper_kit.render.exports.returned import text_of, without_header
from paper_kit.render.exports.scopes import Scopes
from paper_kit.render.exports.translation import (
    INPUT,
    Known,
    Refused,
    Span,
    changed_facts,
    fact_tags,
    translated,
)
from paper_kit.render.manuscript import COPIED

LONGEST_NAME = 200  # bytes of a file's name
_KEPT_THERE = "templates/{} of the study is another file; the study's is kept. Rename one of them."
_COMPILED = re.compile(
    r"(main|output)\.pdf|.*\.(aux|log|bbl|blg|out|fls|fdb_latexmk|synctex(\.gz)?|toc|stdout|stderr)"
)


@dataclass(frozen=True)
class Import:
    """What an import would write into templates/, and what it does not take over, each with why."""

    before: Mapping[str, str]
    after: Mapping[str, str]  # templates and bibliographies that change or are new
    files: Mapping[str, bytes]  # pictures that are new or changed
    refused: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def diffs(self) -> dict[str, str]:
        """Name -> the unified diff of a template."""
        return {
            name: "".join(
                difflib.unified_diff(
                    self.before.get(name, "").splitlines(keepends=True),
                    text.splitlines(keepends=True),
                    f"templates/{name}" if name in self.before else "/dev/null",
                    f"templates/{name}",
                )
            )
            for name, text in sorted(self.after.items())
        }

    def write(self, templates: Path) -> tuple[str, ...]:
        """Names of the files written; line ends and a byte order mark stay as they were."""
        for name, text in self.after.items():
            path = templates / name
            raw = path.read_bytes() if path.is_file() else b""
            data = text.replace("\n", "\r\n") if b"\r\n" in raw else text
            write_bytes(path, (b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b"") + data.encode())
        for name, content in self.files.items():
            write_bytes(templates / name, content)
        return tuple(sorted([*self.after, *self.files]))


def bring_back(record: Record, files: Mapping[str, bytes], templates: Path) -> Import:
    """What an edited project changes in the templates folder as it is now."""
    arrived = _arrived(record, files)
    scopes = Scopes(record.templates)
    known = Known(record.facts, scopes, fact_tags(record.files), _includes(record), frozenset(arrived))
    edits: list[Edit] = []
    refused: list[str] = []
    for name, pieces in record.files.items():
        if name not in files:
            refused += _gone(name, files)
            continue
        returned, shift = without_header(text_of(files[name], name))
        changes = Changes(name, pieces, returned, known, shift=shift)
        edits += changes.edits
        refused += changes.refused
    kept, clashing = agreed(edits, _printed(record))
    new, unfit = _new_sections(arrived, known)
    before, after, conflicts = _landed(record, kept, templates)
    refused += [*clashing, *unfit, *_locked(record, files, templates), *conflicts]
    pictures, notes = _others(record, files, templates)
    _can_be_written([*new, *pictures], templates)
    for name in [name for name, text in new.items() if _taken(templates / name, text)]:
        refused.append(f"{name}: new in the project, and {_KEPT_THERE.format(name)}")
        del new[name]
    for name in [name for name in pictures if _others_picture(name, record, templates)]:
        refused.append(f"{name}: changed in the project, and {_KEPT_THERE.format(name)}")
        del pictures[name]
    return Import(before, {**after, **new}, pictures, tuple(dict.fromkeys(refused)), tuple(notes))


def _can_be_written(names: list[str], templates: Path) -> None:
    """Nothing; InputError for names that no file of the templates folder can have."""
    for name in names:
        above = [templates / parent for parent in PurePosixPath(name).parents]
        if any(path.is_file() for path in above) or max(map(len, name.encode().split(b"/"))) > LONGEST_NAME:
            raise InputError(f"{name}: templates/ can hold no file of this name; rename it in the project.")


def _taken(path: Path, text: str) -> bool:
    """Whether the study has other words at the place of a new section."""
    return path.is_file() and _read(path) != text


def _others_picture(name: str, record: Record, templates: Path) -> bool:
    """Whether a picture of the study is not the one that was exported under this name."""
    path = templates / name
    return path.is_file() and print_of(path.read_bytes()) != record.locked.get(name)


def _read(path: Path) -> str:
    """The text of a template; InputError where it is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8.") from None


def _landed(
    record: Record, edits: list[Edit], templates: Path
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Templates before and after the edits, and the conflicts."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    conflicts: list[str] = []
    for name in dict.fromkeys(edit.file for edit in edits):
        own = [edit for edit in edits if edit.file == name]
        path = templates / name
        if not path.is_file():
            conflicts += [f"{edit.place}: templates/{name} is gone from the study." for edit in own]
            continue
        now = _read(path)
        done = landed(record.templates[name], now, own)
        conflicts += done.conflicts
        if done.text != now:
            before[name], after[name] = now, done.text
    return before, after, conflicts


def _arrived(record: Record, files: Mapping[str, bytes]) -> dict[str, str]:
    """New files of TeX that the project reads: name -> text."""
    known = {*record.files, *record.locked, *record.generated}
    read = {
        f"{found[1].strip().removesuffix('.tex')}.tex"
        for name, data in files.items()
        if name.endswith(".tex") and name not in record.generated
        for found in INPUT.finditer(data.decode(errors="replace"))
    }
    return {name: text_of(files[name], name) for name in sorted(read & set(files) - known) if inside(name)}


def _new_sections(arrived: Mapping[str, str], known: Known) -> tuple[dict[str, str], list[str]]:
    """New templates, and those that cannot be any."""
    new: dict[str, str] = {}
    refused: list[str] = []
    for name, text in arrived.items():
        try:
            new[name] = translated(text.rstrip() + "\n", known, "", (name, 0))
        except Refused as reason:
            refused.append(f"{name}: {reason}")
    return new, refused


def _gone(name: str, files: Mapping[str, bytes]) -> list[str]:
    """A line for a file that is missing although the project still reads it."""
    stem = name.removesuffix(".tex")
    said = b"".join(data for other, data in files.items() if other.endswith(".tex"))
    asked = {found[1].removesuffix(".tex") for found in INPUT.finditer(said.decode(errors="replace"))}
    missing = stem in asked or name.endswith(".bib")
    return (
        [f"{name}: missing in the project, which still reads it; its template stays as it is."]
        if missing
        else []
    )


def _locked(record: Record, files: Mapping[str, bytes], templates: Path) -> list[str]:
    """A line for each file that was edited and is made by the study, values by name."""
    told: list[str] = []
    for name, data in sorted(files.items()):
        if name not in record.locked or print_of(data) == record.locked[name] or _own(name, templates):
            continue
        text = data.decode(errors="replace").replace("\r\n", "\n")
        changed = changed_facts(record.generated.get(name, ""), text) if name in record.generated else []
        told += [
            f"{record.facts[number].name}: {was} was changed to {now} in {name}; values come from runs."
            for number, was, now in changed
        ]
        if not changed and " ".join(text.split()) != " ".join(record.generated.get(name, "").split()):
            cure = (
                "change the table or figure in the study"
                if "/" in name
                else f"change templates/{name} in the study"
            )
            told.append(f"{name}: written by the study and edited here; {cure}.")
    return told


def _own(name: str, templates: Path) -> bool:
    """Whether a file is a picture of the author's own."""
    return PurePosixPath(name).suffix in COPIED and (templates / name).is_file()


def _others(
    record: Record, files: Mapping[str, bytes], templates: Path
) -> tuple[dict[str, bytes], list[str]]:
    """Pictures and bibliographies to copy, and a line for each file that is left."""
    tex = (data for name, data in files.items() if name.endswith(".tex"))
    words = " ".join(data.decode(errors="replace") for data in tex)
    copied: dict[str, bytes] = {}
    notes: list[str] = []
    for name, data in sorted(files.items()):
        path = PurePosixPath(name)
        if name in {*record.files, *record.generated, NAME, README} or _COMPILED.fullmatch(name):
            continue
        if name in record.locked:
            if _own(name, templates) and print_of(data) != record.locked[name]:
                copied[name] = data
        elif path.suffix in COPIED and str(path.with_suffix("")) in words and inside(name):
            copied[name] = data
        elif not (path.suffix == ".tex" and str(path.with_suffix("")) in words):
            notes.append(f"{name}: the paper does not read it; it is left.")
    return {name: data for name, data in copied.items() if _differs(templates / name, data)}, notes


def _differs(path: Path, data: bytes) -> bool:
    return not path.is_file() or path.read_bytes() != data


def _includes(record: Record) -> dict[str, Span]:
    """Path as it is read -> the tag that includes it."""
    found: dict[str, Span] = {}
    for piece in (piece for pieces in record.files.values() for piece in pieces):
        read = INPUT.match(piece.text) if piece.locked else None
        if read and piece.file:
            found[read[1]] = (piece.file, piece.start, piece.end)
    return found


def _printed(record: Record) -> dict[Span, int]:
    """Text of a template -> how often the file that has most of it has it."""
    most: Counter[Span] = Counter()
    for name, pieces in record.files.items():
        own: Counter[Span] = Counter(
            _span(piece) for piece in pieces if piece.kind == "text" and name != ROOT
        )
        most |= own
    return dict(most)


def _inlined(name: str, piece: Piece) -> bool:
    """Whether a text stands in main.tex though it is a section's, such as the title: it may do so twice."""
    return name == ROOT and piece.file.startswith("sections/")


def _span(piece: Piece) -> Span:
    return piece.file, piece.start, piece.end
