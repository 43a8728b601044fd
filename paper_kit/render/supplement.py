"""The supplement: the last pages of a compiled document as a PDF of their own, linked with the paper.

Both are set as one document, so that references between them, numbers and citations are TeX's own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pikepdf import Array, Dictionary, Name, NameTree, Object, ObjectStreamMode, Page, Pdf, String

from paper_kit.core.files import write_bytes

PAPER, SUPPLEMENT = "paper.pdf", "supplement.pdf"
_SAID = re.compile(r"^pk: the supplement begins after page (\d+)$", re.MULTILINE)  # by \pksupplement


@dataclass(frozen=True)
class Part:
    """Pages `first` to `last` (exclusive, from 0) of a document, the file they go to and the other's."""

    file: str
    other: str
    first: int
    last: int

    def holds(self, page: int | None) -> bool:
        """Whether a page of the document is in this part."""
        return page is not None and self.first <= page < self.last


def pages_before(log: str) -> int:
    """How many pages TeX's log says to come before the supplement; 0 where there is none."""
    said = _SAID.findall(log)
    return int(said[-1]) if said else 0


def part_document(pdf: Path, log: str) -> Path | None:
    """supplement.pdf beside the PDF, which from now on ends before it; None where TeX set no supplement."""
    supplement, before = pdf.with_name(SUPPLEMENT), pages_before(log)
    if not before:
        supplement.unlink(missing_ok=True)
        return None
    parts = split(pdf.read_bytes(), before)
    for path, data in zip((pdf, supplement), parts, strict=True):
        if not path.is_file() or path.read_bytes() != data:
            write_bytes(path, data)
    return supplement


def split(whole: bytes, before: int) -> tuple[bytes, bytes]:
    """The first `before` pages of a PDF and the others; a link from one to the other names its file.

    Bookmarks, named places and page labels go with their pages; attached files stay with the paper.
    """
    with Pdf.open(io.BytesIO(whole)) as document:
        count = len(document.pages)
    paper = Part(PAPER, SUPPLEMENT, 0, before)
    return _part(whole, paper), _part(whole, Part(SUPPLEMENT, PAPER, before, count))


def _part(whole: bytes, part: Part) -> bytes:
    with Pdf.open(io.BytesIO(whole)) as document:
        places = _places(document)
        for page in list(document.pages)[part.first : part.last]:
            _relink(page, part, places)
        _prune_names(document, part, places)
        root = document.Root
        if "/Outlines" in root and not _prune_below(root.Outlines, part, places):
            del root["/Outlines"]
        for name in ("/OpenAction", "/PageLabels"):
            if name in root:
                del root[name]
        if part.first:
            _name_supplement(document)
        del document.pages[part.last :]
        del document.pages[: part.first]
        out = io.BytesIO()
        document.save(
            out, deterministic_id=True, object_stream_mode=ObjectStreamMode.generate, compress_streams=True
        )
        return out.getvalue()


def _places(document: Pdf) -> dict[str, int]:
    """Name of a place -> its page, from 0."""
    if "/Names" not in document.Root or "/Dests" not in document.Root.Names:
        return {}
    numbers: dict[object, int] = {page.objgen: number for number, page in enumerate(document.pages)}
    found = {}
    for name, value in NameTree(document.Root.Names.Dests).items():
        at = value.D if isinstance(value, Dictionary) else value
        found[str(name)] = numbers.get(at[0].objgen, -1)
    return found


def _relink(page: Page, part: Part, places: Mapping[str, int]) -> None:
    """Nothing; the page's links to places of the other part name its file."""
    for link in page.get("/Annots", []):
        target = link.A.get("/D") if "/A" in link else None
        if isinstance(target, String) and not part.holds(places.get(str(target))):
            link.A = Dictionary(S=Name.GoToR, F=String(part.other), D=target)


def _prune_names(document: Pdf, part: Part, places: Mapping[str, int]) -> None:
    """Nothing; only places of the part's own pages are left, and attached files only in the paper."""
    if "/Names" not in document.Root:
        return
    names = document.Root.Names
    if part.first and "/EmbeddedFiles" in names:
        del names["/EmbeddedFiles"]
    if "/Dests" in names:
        tree = NameTree(names.Dests)
        for name in list(tree.keys()):
            if not part.holds(places.get(str(name))):
                del tree[name]


def _prune_below(parent: Object, part: Part, places: Mapping[str, int]) -> int:
    """How many bookmarks are left below this one; those of the other part are gone with what hung below."""
    kept, item = [], parent.get("/First")
    while item is not None:
        target = item.A.get("/D") if "/A" in item else item.get("/Dest")
        if part.holds(places.get(str(target))):
            _prune_below(item, part, places)
            kept.append(item)
        item = item.get("/Next")
    for name in ("/First", "/Last", "/Count"):
        if name in parent:
            del parent[name]
    for place, item in enumerate(kept):
        for name, near in (("/Prev", place - 1), ("/Next", place + 1)):
            if 0 <= near < len(kept):
                item[name] = kept[near]
            elif name in item:
                del item[name]
    if kept:
        parent.First, parent.Last, parent.Count = kept[0], kept[-1], len(kept)
    return len(kept)


def _name_supplement(document: Pdf) -> None:
    """Nothing; the title says what it is, and a viewer counts the pages S1, S2 … as they are printed."""
    title = document.docinfo.get("/Title")
    document.docinfo["/Title"] = String(f"Supplement: {title}" if title is not None else "Supplement")
    document.Root.PageLabels = Dictionary(Nums=Array([0, Dictionary(S=Name.D, P=String("S"))]))
