"""The paper as an Overleaf project: sections as files, numbers in place, tables and figures beside them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from paper_kit.core.errors import InputError
from paper_kit.core.files import sha256_text, write_bytes
from paper_kit.render.editions import edition_tex
from paper_kit.render.exports.pieces import Included, Piece, read_pieces
from paper_kit.render.exports.record import NAME, Printed, Record, read_record
from paper_kit.render.folder import page_files
from paper_kit.render.lexer import closing_brace
from paper_kit.render.manuscript import MAIN, Manuscript, Typeset
from paper_kit.render.tex import escape, label
from paper_kit.render.venue import Venue

ROOT = "main.tex"
README = "README.txt"
BESIDE = re.compile(
    r"(tables|figures)/.*|facts\.json|macros\.tex|[^/]*\.(cls|sty|bst|clo|cfg)|.*\.(bib|pdf|png|jpe?g)"
)
EPOCH = (1980, 1, 1, 0, 0, 0)
_BRACES = re.compile(r"\\.|%[^\n]*|[{}]", re.DOTALL)
_ARTIFACT = re.compile(r"""\\VAR\{\s*(table|figure)\(\s*["']([^"']+)["']""")
_FACT = re.compile(r"\\pkfact\{(\d+)\}\{")
_PICTURE = re.compile(r"\{figures/([^{}]+)\.pdf\}")
WORDS = """This paper was written by paper_kit and is ready to compile: upload the zip to Overleaf, or type
`latexmk -pdf main.tex`.

WHAT YOU CAN EDIT: all prose, in main.tex and in the files of sections/. Rewrap lines, add, move and remove
sentences, paragraphs and whole sections (a new file with its \\input line), add entries to references.bib
and pictures of your own.

WHAT YOU CANNOT EDIT, because it comes from the runs of the study:
- \\pkfact{n}{value}: a measured number or name. Move it, or delete it with its sentence, but leave what is in
  its braces: a changed value is refused by name. facts.json says what each number n is and where it is from.
- tables/ and figures/, made from the same numbers. Their captions are in the sections, and are yours.
- macros.tex, class files, and paperkit.json, which says where each line comes from: please leave it here.

Where the text compares, a test has chosen the sentence; those for other outcomes are in the study. Edit what
you see. Say in a mail where something else should be compared.

BACK IN THE STUDY: download the project (Menu, Source) and type `paperkit import overleaf project.zip`.
"""


@dataclass
class _File:
    """A file of the export as it grows."""

    pieces: list[Piece] = field(default_factory=list)
    depth: int = 0  # of open braces
    body: bool = False
    fresh: bool = True  # at the start of a line

    def add(self, piece: Piece) -> None:
        """Nothing; the piece stands at the end."""
        if not piece.text:
            return
        self.pieces.append(piece)
        self.depth += sum({"{": 1, "}": -1}.get(found[0], 0) for found in _BRACES.finditer(piece.text))
        self.body = self.body or r"\begin{document}" in piece.text
        self.fresh = piece.text.endswith("\n")


@dataclass(frozen=True)
class Project:
    """The files of an export, and the record by which what returns is read."""

    files: Mapping[str, bytes]
    record: Record


def overleaf_project(
    made: Typeset, manuscript: Manuscript, venue: Venue, *, commit: str = "", study: str = ""
) -> Project:
    """The project of a typeset paper: everything that TeX needs, nothing of ours."""
    layout = _Layout(manuscript.templates, tuple(made.tables))
    layout.lay(read_pieces(made.marked, manuscript.templates), layout.open(ROOT, body=False), ROOT)
    files = {
        name: data for name, data in page_files(made, manuscript, venue).items() if BESIDE.fullmatch(name)
    }
    files |= {name: text.encode() for name, text in layout.artifacts.items()}
    if needed := edition_tex("linked", made.tex):
        files["edition.tex"] = needed
    bibliographies = {
        name: data.decode(errors="replace") for name, data in files.items() if name.endswith(".bib")
    }
    prose = {name: tuple(file.pieces) for name, file in layout.files.items()}
    prose |= {name: (Piece("text", text, name, 0, len(text)),) for name, text in bibliographies.items()}
    drawn = {f"figures/{stem}.tex": tikz for stem, tikz in made.diagrams.items()}
    generated = {**drawn, **layout.artifacts}
    used = {piece.file for pieces in prose.values() for piece in pieces if piece.file}
    record = Record(
        files=prose,
        locked={name: print_of(data) for name, data in files.items() if name not in bibliographies},
        generated=generated,
        templates={name: {**manuscript.templates, **bibliographies}[name] for name in sorted(used)},
        facts=_facts(made),
        commit=commit,
        study=study,
    )
    header = f"% paperkit export {record.id}: what may be edited is in {README}.\n"
    written = {name: "".join(piece.text for piece in pieces) for name, pieces in prose.items()}
    written[ROOT] = header + written[ROOT]
    files |= {name: text.encode() for name, text in written.items()}
    files |= {NAME: record.to_json().encode(), README: WORDS.encode()}
    return Project(dict(sorted(files.items())), record)


def write_project(project: Project, to: Path) -> Path:
    """The folder, or the file where `to` ends in .zip; InputError for a folder with other things in it."""
    if to.suffix.lower() == ".zip":
        write_bytes(to, zipped(project.files))
        return to
    if to.is_dir() and any(to.iterdir()):
        _clear(to, project)
    for name, data in project.files.items():
        write_bytes(to / name, data)
    return to


def _clear(folder: Path, project: Project) -> None:
    """Nothing; an earlier export's files are gone; InputError where the folder holds anything else."""
    if not (folder / NAME).is_file():
        raise InputError(f"{folder}: this folder holds other things. Name a new folder: --to.")
    before = read_record(folder / NAME)
    for name, pieces in before.files.items():
        path = folder / name
        text = "".join(piece.text for piece in pieces)
        if path.is_file() and not _text(path.read_bytes()).endswith(text):
            raise InputError(
                f"{path}: edited since it was exported. Type `paperkit import overleaf {folder}` first, "
                "or name another folder: --to."
            )
    for name in {*before.files, *before.locked} - set(project.files):
        (folder / name).unlink(missing_ok=True)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip; equal files give equal bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


class _Layout:
    """Shares the pieces of a paper out to files."""

    def __init__(self, templates: Mapping[str, str], stems: tuple[str, ...]) -> None:
        self._templates = templates
        self._stems = list(stems)
        self._known: dict[str, str] = {}
        self.files: dict[str, _File] = {}
        self.artifacts: dict[str, str] = {}

    def open(self, name: str, *, body: bool) -> _File:
        """A new file."""
        return self.files.setdefault(name, _File(body=body))

    def lay(self, tree: Included, file: _File, name: str) -> None:
        """Nothing; the parts stand at the end of the file, or in files of their own that it reads."""
        for part in tree.parts:
            if isinstance(part, Piece):
                file.add(self._artifact(part))
            elif self._apart(part, file):
                path = part.template
                file.add(replace(self._line(part), text=f"\\input{{{path.removesuffix('.tex')}}}\n"))
                self.lay(part, self.open(path, body=True), path)
            else:
                self.lay(part, file, name)

    def _apart(self, part: Included, file: _File) -> bool:
        """Whether an included template becomes a file of its own."""
        path, text = part.template, part.text
        whole = text.strip() and text.endswith("\n") and file.fresh and file.depth == 0 and file.body
        return bool(whole) and not path.startswith("venues/") and path not in (MAIN, *self.files)

    def _line(self, part: Included) -> Piece:
        """The include tag with its line's end."""
        source = self._templates[part.file]
        end = part.end + source[part.end :].startswith("\n")
        return Piece("include", "", part.file, part.start, end)

    def _artifact(self, piece: Piece) -> Piece:
        """A table or figure as a line that reads its file; other pieces, also diagrams, as they are."""
        found = _ARTIFACT.match(self._templates[piece.file], piece.start) if piece.kind == "printed" else None
        picture = _PICTURE.search(piece.text)
        if found is None or (found[1] == "figure" and not picture):
            return piece
        if piece.text not in self._known:
            stem = picture[1] if found[1] == "figure" and picture else self._table(found[2])
            self._known[piece.text] = f"{found[1]}s/{stem}"
            self.artifacts[f"{found[1]}s/{stem}.tex"] = f"{piece.text}%\n"
        return replace(piece, text=f"\\input{{{self._known[piece.text]}}}")

    def _table(self, name: str) -> str:
        """The next stem of the paper's tables that begins with the table's name."""
        own = next((stem for stem in self._stems if stem.startswith(label(name))), "")
        if own:
            self._stems.remove(own)
        return own or f"{label(name)}-{len(self._known) + 1}"


def facts_in(text: str) -> Iterator[tuple[str, str, int, int]]:
    r"""Each \pkfact in TeX: its number, its text, where it starts and ends."""
    for found in _FACT.finditer(text):
        end = closing_brace(text, found.end())
        if end > 0:
            yield found[1], text[found.end() : end - 1], found.start(), end


def _facts(made: Typeset) -> dict[str, Printed]:
    """Number -> the fact, with a tag that prints it."""
    plain = {
        str(fact.number): rf"\VAR{{{fact.fact.key}}}"
        for fact in made.facts
        if fact.fact.key and fact.text == fact.fact.text
    }
    return {
        str(fact.number): Printed(fact.name, str(escape(fact.text)), plain.get(str(fact.number), ""))
        for fact in made.facts
    }


def print_of(data: bytes) -> str:
    """SHA-256 of a file; of a text with its line ends as Unix writes them."""
    return sha256_text(data.decode("latin-1").replace("\r\n", "\n"))


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
