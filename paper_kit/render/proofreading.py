"""A compiled paper against what was meant: its links, its other editions, its authors' secrecy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from pypdf import PdfReader

from paper_kit.core.files import sha256_file, write_bytes
from paper_kit.core.paper import Author, Paper
from paper_kit.render.check import Finding
from paper_kit.render.layout import Layout, read_layout
from paper_kit.render.manuscript import Typeset
from paper_kit.render.provenance import PROVENANCE
from paper_kit.render.readback import PAGES, pages_json, plain, read_back
from paper_kit.render.venue import Venue

AROUND = 4  # words told before a difference


def proofread(pdf: Path, made: Typeset, paper: Paper, venue: Venue) -> list[Finding]:
    """What is wrong in a compiled edition; of the linked one pages.json is written beside the PDF.

    Nothing is found where pdftotext is missing, which `check` tells, and in a linked edition whose templates
    leave out the provenance appendix.
    """
    if shutil.which("pdftotext") is None:
        return []
    if made.edition == "linked" and r"\pkprovenance" not in made.tex:
        return []
    if made.edition == "linked":
        read, found = read_back(pdf, made, paper, venue.columns)
        write_bytes(pdf.with_name(PAGES), pages_json(read, sha256_file(pdf.with_name(PROVENANCE))))
        return found
    return [*left_over(pdf), *(named(pdf, paper) if made.edition == "blind" else ())]


def left_over(pdf: Path) -> list[Finding]:
    """Links, bookmarks and attachments, which an edition for a publisher or for reviewers may not have."""
    with pdf.open("rb") as stream:
        reader = PdfReader(stream)
        links = sum(len(page.get("/Annots") or ()) for page in reader.pages)
        counts = {"links": links, "bookmarks": len(reader.outline), "attachments": len(reader.attachments)}
    told = [f"{count} {what}" for what, count in counts.items() if count]
    cure = "load hyperref without options that hold it to its links, and no package that makes them."
    return (
        [Finding("edition", str(pdf), f"has {', '.join(told)}; in the venue's preamble.tex {cure}")]
        if told
        else []
    )


def named(pdf: Path, paper: Paper) -> list[Finding]:
    """What a blind edition still tells of its authors, in its text or its metadata."""
    with pdf.open("rb") as stream:
        metadata = " ".join(map(str, (PdfReader(stream).metadata or {}).values()))
    text = plain(" ".join(word.text for word in read_layout(pdf).words) + metadata)
    return [
        Finding("blind", str(pdf), f'tells {secret!r}; leave it out where `edition` is "blind".')
        for secret in _secrets(paper)
        if plain(secret) in text
    ]


def _secrets(paper: Paper) -> list[str]:
    fields = [value for author in paper.authors for value in _of_author(author)]
    return [text for text in dict.fromkeys([*fields, paper.code_url, paper.acknowledgements]) if text]


def _of_author(author: Author) -> tuple[str, ...]:
    return author.name, author.affiliation, author.email, author.orcid


def same_words(linked: Path, other: Path) -> list[Finding]:
    """Where the text of an edition differs from the linked one, whose provenance appendix is left out."""
    first, second = _words(read_layout(linked)), _words(read_layout(other))
    if first == second or _joined(first) == _joined(second):
        return []
    pairs = enumerate(zip(first, second, strict=False))
    place = next((at for at, (one, two) in pairs if one != two), min(len(first), len(second)))
    told = f'"… {_around(second, place)} …", but {linked} has "… {_around(first, place)} …"'
    cure = "print no text only where `edition` is one or the other."
    return [Finding("edition", str(other), f"reads {told}; {cure}")]


def _words(layout: Layout) -> list[str]:
    return [word.text for word in layout.words if word.box.page <= layout.body_pages]


def _joined(words: Sequence[str]) -> str:
    """The text without spaces and the hyphens at lines' ends."""
    return re.sub(r"[-\N{HYPHEN}\N{SOFT HYPHEN}]", "", "".join(words))


def _around(words: Sequence[str], place: int) -> str:
    return " ".join(words[max(0, place - AROUND) : place + AROUND])
