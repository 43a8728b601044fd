"""Who wrote a paper, as a blind edition may still tell it: in its text, links, metadata and attachments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paper_kit.core.paper import Author, Paper
from paper_kit.render.check import Finding
from paper_kit.render.compile import AUXILIARY, JOB
from paper_kit.render.covered import plain
from paper_kit.render.frontmatter import is_placeholder
from paper_kit.render.layout import read_layout
from paper_kit.render.lexer import closing_brace
from paper_kit.render.manuscript import Typeset
from paper_kit.render.typed import body

FREE_MAIL = {
    "gmail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "icloud.com",
    "proton.me",
    "qq.com",
    "163.com",
}
SHORTEST = 4  # letters of a user's name or an owner that are looked for alone
_HOSTED = re.compile(
    r"(?:github\.com|[\w.-]+\.github\.io|gitlab(?:\.[\w-]+)+|bitbucket\.org|codeberg\.org|huggingface\.co)(?:/[\w./-]*)?"
)
_OWN = re.compile(
    r"\b(?:our|my)\s+(?:own\s+)?(?:(?:previous|earlier|prior|recent|past|last|former|preceding|first)\s+)?"
    r"(?:work|paper|study|article|report|method|model|approach|results|code|dataset|system|group|lab)\b"
    r"|\bwe\s+(?:have\s+)?(?:previously|earlier|recently|already|first)\s+\w+"
    r"|\b(?:as|which|that)\s+we\s+(?:showed|proposed|described|introduced|reported|published)\b"
    r"|\b(?:extends?|builds?\s+(?:up)?on|continues?|follows?)\s+our\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"(?:/home/|/Users/|\\Users\\)([\w.-]+)")
_CITED = re.compile(r"\\cite\w*\*?(?:\[[^\]]*\])*\{([^}]*)\}")


@dataclass(frozen=True)
class Secret:
    """A text that tells who wrote the paper; `word`: only as a whole word, in this case."""

    text: str
    what: str
    word: bool = False

    def inside(self, text: str) -> int:
        """How often it stands in a text."""
        if self.word:
            return len(re.findall(rf"(?<![\w-]){re.escape(self.text)}(?![\w-])", text))
        return plain(text).count(plain(self.text))


def secrets(paper: Paper, withheld: Sequence[str] = ()) -> list[Secret]:
    """What a blind edition may not tell of paper.toml, of its authors and of its commit, each once."""
    found = [secret for author in paper.authors for secret in _of_author(author)]
    address = re.sub(r"^\w+://|/+$|\.git/*$", "", paper.code_url)
    found += [Secret(address, "the address of the code")] if address else []
    owner = address.split("/")[1:2]
    found += [Secret(name, "the owner of the code", word=True) for name in owner if len(name) >= SHORTEST]
    thanks = [paper.acknowledgements, *re.split(r"(?<=[.!?])\s+", paper.acknowledgements)]
    found += [Secret(text, "the acknowledgements") for text in thanks if len(text.split()) > 2]
    hashes = [each for text in withheld for each in re.findall(r"\b[0-9a-f]{7,40}\b", text)]
    found += [Secret(text[:7], "the commit") for text in hashes]
    return list({(secret.text, secret.word): secret for secret in reversed(found)}.values())[::-1]


def _of_author(author: Author) -> Iterator[Secret]:
    if not author.name.strip() or is_placeholder(author.name):
        return
    yield Secret(author.name, "an author's name")
    surname = author.name.split()[-1]
    yield Secret(surname, "an author's surname", word=True)
    parts = [part.strip() for part in author.affiliation.split(",")]
    for text in dict.fromkeys([author.affiliation, *(part for part in parts if len(part.split()) > 1)]):
        if text:
            yield Secret(text, "an affiliation")
    if author.email:
        user, _, domain = author.email.partition("@")
        yield Secret(author.email, "an e-mail address")
        if len(user) >= SHORTEST:
            yield Secret(user, "the user's name of an e-mail address", word=True)
        if domain and domain not in FREE_MAIL:
            yield Secret(domain, "the domain of an e-mail address")
    if author.orcid:
        yield Secret(author.orcid, "an ORCID iD")


def blind_findings(pdf: Path, made: Typeset, paper: Paper) -> list[Finding]:
    """Everything by which a blind edition tells its authors, by place, with what to do."""
    told = secrets(paper, made.withheld)
    bbl, bib = (_read(pdf.parent / name) for name in (f"{AUXILIARY}/{JOB}.bbl", "references.bib"))
    found = [*_in_text(pdf, told, bbl), *_in_objects(pdf, told)]
    return [*found, *_hosted(made), *_first_person(made, own_entries(bib, paper))]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _in_text(pdf: Path, told: Sequence[Secret], bbl: str) -> Iterator[Finding]:
    """Secrets on the pages, more often than in the references; "et al." may follow a cited name."""
    pages: dict[int, list[str]] = {}
    for word in read_layout(pdf).words:
        pages.setdefault(word.box.page, []).append(word.text)
    text = {number: unicodedata.normalize("NFKC", " ".join(words)) for number, words in pages.items()}
    whole = " ".join(text.values())
    entries = re.sub(r"[{}~]", " ", bbl)
    for secret in told:
        name = secret.what.startswith("an author")
        allowed = secret.inside(entries) if name else 0
        if secret.word and name and re.search(rf"(?<!\w){re.escape(secret.text.lower())}(?!\w)", whole):
            continue  # also a common word, such as "Long"
        if allowed:
            third = rf"{re.escape(secret.text)}(?=\s+(?:et al|and\s+\w+\s*\[))"
            allowed += len(re.findall(third, whole))
        if secret.inside(whole) <= allowed:
            continue
        places = [number for number, page in text.items() if secret.inside(page)] or [1]
        cure = 'leave it out where `edition` is "blind"'
        yield Finding("blind", f"page {places[0]}", f"tells {secret.text!r}, {secret.what}; {cure}.")


def _in_objects(pdf: Path, told: Sequence[Secret]) -> Iterator[Finding]:
    """Secrets, and personal folders, in what a reader of the pages does not see."""
    found: dict[tuple[str, str], Finding] = {}
    for place, text in hidden_texts(pdf):
        for secret in told:
            if secret.inside(text):
                told_as = f"its {place} tells {secret.text!r}, {secret.what}; {_cure(place)}."
                found.setdefault((place, plain(secret.text)), Finding("blind", str(pdf), told_as))
        for user in _PERSONAL.findall(text):
            told_as = f"its {place} tells the folder of {user!r}; {_cure(place)}."
            found.setdefault((place, user), Finding("blind", str(pdf), told_as))
    yield from found.values()


def _cure(place: str) -> str:
    if place in ("picture", "metadata of a part"):
        return "save the picture again without its metadata: exiftool -all= FILE, or mat2 FILE"
    if place == "link":
        return r'leave the \href out where `edition` is "blind"'
    return "set no pdfauthor, attachment or XMP of your own in the venue's preamble.tex"


def hidden_texts(pdf: Path) -> Iterator[tuple[str, str]]:
    """(metadata, link, attachment, picture or object; its text) of all that a PDF holds beside its pages."""
    import pikepdf

    with pikepdf.open(pdf) as document:
        own = {document.Root.Metadata.objgen} if "/Metadata" in document.Root else set()
        yield "metadata", " ".join(str(value) for value in document.docinfo.values())
        for thing in document.objects:
            if isinstance(thing, pikepdf.Stream):
                yield from _in_stream(thing, own)
            strings = list(_strings(thing))
            if strings:
                yield (
                    ("link" if any("://" in text or "mailto:" in text for text in strings) else "object"),
                    " ".join(strings),
                )


def _in_stream(stream: Any, own: set[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    kind, subtype = (str(stream.get(name, "")) for name in ("/Type", "/Subtype"))
    if kind == "/Metadata" or subtype == "/XML":
        yield ("metadata" if stream.objgen in own else "metadata of a part"), _decoded(stream.read_bytes())
    elif kind == "/EmbeddedFile":
        yield "attachment", _decoded(stream.read_bytes())
    elif subtype == "/Image":
        yield "picture", _decoded(stream.read_raw_bytes())


def _decoded(data: bytes) -> str:
    """Bytes as text, whether of eight or of sixteen bits."""
    text = data.decode("utf-8", errors="ignore")
    return text if b"\0" not in data else f"{text} {data.replace(bytes(1), b'').decode('latin-1')}"


def _strings(thing: Any, depth: int = 0) -> Iterator[str]:
    """The strings of an object and of what lies in it, not of what it points to."""
    import pikepdf

    if isinstance(thing, pikepdf.String):
        yield str(thing)
    elif depth < 20 and isinstance(thing, pikepdf.Dictionary | pikepdf.Stream | pikepdf.Array):
        parts = thing if isinstance(thing, pikepdf.Array) else [value for _, value in thing.items()]
        for part in parts:
            if not getattr(part, "is_indirect", False):
                yield from _strings(part, depth + 1)


def _hosted(made: Typeset) -> Iterator[Finding]:
    """Addresses of repositories that are typed into the text."""
    rows = made.tex.split("\n")
    for number, row in enumerate(rows, start=1):
        for address in dict.fromkeys(_HOSTED.findall(re.sub(r"(?<!\\)%.*", "", row))):
            cure = r'leave it out where `edition` is "blind", or cite it in references.bib if it is not yours'
            yield Finding(
                "blind",
                str(made.lines.place(number)),
                f"the address {address} may tell who wrote it; {cure}.",
            )


def own_entries(bib: str, paper: Paper) -> Mapping[str, str]:
    """Key -> surname, of the entries that one of the authors wrote, by surname and first initial."""
    found = {}
    names = [_key_of(author.name) for author in paper.authors if author.name.strip()]
    for entry in re.finditer(r"@\w+\s*\{\s*([^,\s]+)\s*,", bib):
        end = bib.find("\n@", entry.end())
        written = re.search(r"\bauthor\s*=\s*([{\"])", bib[entry.end() : end if end > 0 else None])
        if written is None:
            continue
        start = entry.end() + written.end()
        close = closing_brace(bib, start) if written[1] == "{" else bib.find('"', start)
        persons = re.split(
            r"\s+and\s+", re.sub(r"[{}\\]", "", " ".join(bib[start : close - (written[1] == "{")].split()))
        )
        for person in persons:
            if _key_of(person) in names:
                found[entry[1]] = person
    return found


def _key_of(name: str) -> tuple[str, str]:
    """Surname and first initial of "Ada King Lovelace" or "Lovelace, Ada"."""
    last, comma, given = name.partition(",")
    if not comma:
        *rest, last = name.split() or [""]
        given = rest[0] if rest else ""
    return plain(last), plain(given.strip())[:1]


def _first_person(made: Typeset, own: Mapping[str, str]) -> Iterator[Finding]:
    """Sentences that call a cited work the authors' own: "our previous work [3]"."""
    tex = body(made.tex) if own else ""
    for sentence in re.finditer(r"(?:[^.!?\n]|[.!?](?!\s)|\n(?!\s*\n))+", tex):
        keys = [key.strip() for group in _CITED.findall(sentence[0]) for key in group.split(",")]
        mine = [key for key in keys if key in own]
        said = _OWN.search(" ".join(sentence[0].split()))
        if mine and said:
            row = next(
                (
                    at
                    for at, row in enumerate(made.tex.split("\n"), start=1)
                    if mine[0] in row and "cite" in row
                ),
                1,
            )
            cure = f"write of it in the third person: 'the work of {own[mine[0]]} [n]', or 'earlier work [n]'"
            yield Finding(
                "blind",
                str(made.lines.place(row)),
                f'"{said[0]}" with \\cite{{{mine[0]}}} tells an author; {cure}.',
            )
