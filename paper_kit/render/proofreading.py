"""A compiled paper against what was meant: its links, its other editions, its authors' secrecy."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pikepdf import Pdf

from paper_kit.core.files import sha256_file, write_bytes
from paper_kit.core.paper import Paper
from paper_kit.render.blind import blind_findings
from paper_kit.render.check import Finding
from paper_kit.render.layout import Layout, Word, read_layout
from paper_kit.render.legible import legible
from paper_kit.render.lexer import closing_brace
from paper_kit.render.manuscript import MAIN, Typeset
from paper_kit.render.poppler import INSTALL
from paper_kit.render.provenance import PROVENANCE
from paper_kit.render.readback import PAGES, pages_json, read_back
from paper_kit.render.tex import unsettable
from paper_kit.render.typed import body
from paper_kit.render.venue import Venue

AROUND = 4  # words told before a difference
SAME_LINE_PT = 3.0
_TICKS = re.compile(r"[\d.,%\s\N{MINUS SIGN}-]+")  # the numbers along an axis
GUTTER_PT = 8.0  # between columns is more, between words less
LEAD = 2000  # letters that may stand between the heading of the provenance appendix and its lines
_TEXT = re.compile(r"\\(?:pkfact|includegraphics|begin|input|include|chapter|subsection)\b")
INCLUDE = r'put \BLOCK{include "sections/appendix/provenance.tex"} before \end{document}'


def proofread(pdf: Path, made: Typeset, paper: Paper, venue: Venue) -> list[Finding]:
    """What is wrong in a compiled edition; of the linked one pages.json is written beside the PDF.

    What could not be read back is a finding too: where pdftotext is missing, and in a linked edition without
    its provenance appendix at the end, to which its numbers are linked.
    """
    if shutil.which("pdftotext") is None:
        return [Finding("tool", str(pdf), f"was not read back, pdftotext is missing. {INSTALL}")]
    seen = legible(pdf, made)
    if made.edition == "linked":
        if unread := appendix_findings(made.tex):
            pdf.with_name(PAGES).unlink(missing_ok=True)  # of an earlier build
            return [*seen, *unread]
        read, found = read_back(pdf, made, paper, venue.columns)
        write_bytes(pdf.with_name(PAGES), pages_json(read, sha256_file(pdf.with_name(PROVENANCE))))
        return [*seen, *found]
    return [*seen, *left_over(pdf), *(blind_findings(pdf, made, paper) if made.edition == "blind" else ())]


def appendix_findings(tex: str) -> list[Finding]:
    """Why a linked edition cannot be read back: its provenance appendix is missing, or is not its end."""
    text = body(tex)
    starts = [each.start() for each in re.finditer(r"\\pktarget\s*\{provenance\}", text)]
    first = text.find(r"\pkprovenance{")
    if first < 0 or not starts:
        told = "the provenance appendix is missing, so that no printed number could be read back from the PDF"
        return [Finding("provenance", f"templates/{MAIN}", f"{told}; {INCLUDE}.")]
    end = closing_brace(text, first + len(r"\pkprovenance{"))
    behind = text[end:].partition(r"\end{document}")[0].strip()
    between = text[starts[0] : first]
    if len(starts) > 1 or starts[0] > first or behind or _TEXT.search(between) or len(between) > LEAD:
        told = "the provenance appendix is not the last text, and what follows it is not read back"
        return [Finding("provenance", f"templates/{MAIN}", f"{told}; {INCLUDE}.")]
    return []


def blind_twin(pdf: Path, twin: Path, made: Typeset, paper: Paper, venue: Venue) -> list[Finding]:
    """What is wrong in the numbers of a blind edition, read back from its twin: the same text with links."""
    if shutil.which("pdftotext") is None:
        return []  # which proofread tells
    return [*read_back(twin, made, paper, venue.columns)[1], *same_words(twin, pdf)]


def unset_signs(made: Typeset) -> list[Finding]:
    """The signs that pdfLaTeX has no glyph for, by the line that prints them."""
    return [
        Finding("sign", str(made.lines.place(number)), f"{sign} cannot be set and is printed by its number.")
        for number, row in enumerate(made.tex.split("\n"), start=1)
        for sign in unsettable(row)
    ]


def left_over(pdf: Path) -> list[Finding]:
    """Links, bookmarks and attachments, which an edition for a publisher or for reviewers may not have."""
    with Pdf.open(pdf) as document, document.open_outline() as outline:
        links = sum(len(page.get("/Annots", ())) for page in document.pages)
        counts = {"links": links, "bookmarks": len(outline.root), "attachments": len(document.attachments)}
    told = [f"{count} {what}" for what, count in counts.items() if count]
    cure = "load hyperref without options that hold it to its links, and no package that makes them."
    return (
        [Finding("edition", str(pdf), f"has {', '.join(told)}; in the venue's preamble.tex {cure}")]
        if told
        else []
    )


def same_words(linked: Path, other: Path) -> list[Finding]:
    """Where the text of an edition differs from the linked one, whose provenance appendix is left out."""
    layouts = read_layout(linked), read_layout(other)
    first, second = _words(layouts[0]), _words(layouts[1])
    if first == second or _joined(first) == _joined(second) or _moved(*layouts):
        return []
    pairs = enumerate(zip(first, second, strict=False))
    place = next((at for at, (one, two) in pairs if one != two), min(len(first), len(second)))
    told = f'"… {_around(second, place)} …", but {linked} has "… {_around(first, place)} …"'
    cure = "print no text only where `edition` is one or the other."
    return [Finding("edition", str(other), f"reads {told}; {cure}")]


def _words(layout: Layout) -> list[str]:
    return [word.text for word in layout.words if word.box.page <= layout.body_pages]


def _moved(one: Layout, other: Layout) -> bool:
    """Whether two layouts have the same lines in another order: a float or a page's end stands elsewhere.

    Lines that pdftotext cuts otherwise must have the same words, and no digits beside words: the numbers
    along an axis may be cut anywhere.
    """
    first, second = _lines(one), _lines(other)
    rest = [list(each.elements()) for each in (first - second, second - first)]
    worded = "".join(line for each in rest for line in each if not _TICKS.fullmatch(line))
    same = sorted(" ".join(rest[0]).split()) == sorted(" ".join(rest[1]).split())
    return same and not re.search(r"\d", worded)


def _lines(layout: Layout) -> Counter[str]:
    """How often each line of the text stands there, a column's or a cell's being a line of its own."""
    found: list[list[str]] = []
    before: Word | None = None
    for word in layout.words:
        if word.box.page > layout.body_pages:
            break
        if before is not None and _beside(before, word):
            found[-1].append(word.text)
        else:
            found.append([word.text])
        before = word
    return Counter(" ".join(line) for line in found)


def _beside(one: Word, two: Word) -> bool:
    same = one.box.page == two.box.page and abs(one.box.middle - two.box.middle) < SAME_LINE_PT
    return same and -1 < two.box.left - one.box.right < GUTTER_PT


def _joined(words: Sequence[str]) -> str:
    """The text without spaces and the hyphens at lines' ends."""
    return re.sub(r"[-\N{HYPHEN}\N{SOFT HYPHEN}]", "", "".join(words))


def _around(words: Sequence[str], place: int) -> str:
    return " ".join(words[max(0, place - AROUND) : place + AROUND])
