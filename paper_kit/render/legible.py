"""What a reader of the PDF meets: type too small, text that cannot be copied, pictures without words."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from pikepdf import Dictionary, Pdf

from paper_kit.render.check import Finding
from paper_kit.render.manuscript import Typeset
from paper_kit.render.poppler import SIZES, TEXT, ZOOM, said
from paper_kit.render.typed import body

SMALLEST_PT = 6.0  # of a word in print; the provenance appendix has 6.5
SCRIPT = 3  # letters and digits of an index or a raised mark, which may be smaller
MOST = 5  # pages or words told of one kind
_FONT = re.compile(r'<fontspec id="(\d+)" size="(-?\d+)"')
_TEXT = re.compile(r'<text [^>]*font="(\d+)">(.*?)</text>')
_ARGUMENTS = re.compile(  # what stands in these is not printed as it is written
    r"\\(?:label|ref|eqref|autoref|cref|cite\w*|bibliography\w*|bibliographystyle|input|include|usepackage|url|href|"
    r"pktarget|pkattach|begin|end|color|textcolor|includegraphics|hypersetup|setlength|renewcommand|newcommand|"
    r"providecommand|fontsize|pkmark|pkdiagram|pkcell|pkto|vspace|hspace|bstctlcite|orcid|ccsdesc|email|ead)"
    r"\*?(?:\[[^\]]*\])*(?:\{[^{}]*\})?"
)
_UNPRINTED = re.compile(  # reasons, notes to the author, columns of a table, ends of loops
    r"(\\literal\{[^{}]*\})\{[^{}]*\}|\\(?:pkauthor|algnotext)\{[^{}]*\}|\\End[A-Z]\w*"
    r"|\\begin\{(?:tabular|array|algorithmic)\}(?:\[.*?\])?\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}"
)
_PICTURE = re.compile(
    r"\\includegraphics\s*(?:\[((?:[^\[\]{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\])?\s*\{([^}]*)\}"
)
_WORD = re.compile(r"[A-Za-z]{5,}")
_FLOAT = re.compile(r"\\begin\{((?:figure|table)\*?)\}(.*?)\\end\{\1\}", re.DOTALL)
_LABEL = re.compile(r"\\label\{([^}]*)\}")


def legible(pdf: Path, made: Typeset) -> list[Finding]:
    """The findings: words under 6 pt, signs that cannot be copied, words of the TeX that the PDF lacks."""
    return [*small_type(pdf), *garbled(pdf, made), *undescribed(made), *unnamed(pdf)]


def small_type(pdf: Path) -> Iterator[Finding]:
    """Words printed under 6 pt, by page; also those in pictures, at the size to which they are scaled."""
    told = said(SIZES, pdf)
    sizes = {number: int(size) / ZOOM for number, size in _FONT.findall(told)}
    for number, page in enumerate(told.split("<page ")[1:], start=1):
        found: dict[str, float] = {}
        for font, text in _TEXT.findall(page):
            words = html.unescape(re.sub(r"<[^>]*>", "", text)).strip()
            if sizes.get(font, 99.0) < SMALLEST_PT - 0.5 / ZOOM and len(re.findall(r"\w", words)) > SCRIPT:
                found[words[:30]] = sizes[font]
        if found:
            shown = ", ".join(repr(words) for words in list(found)[:MOST])
            more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
            yield Finding(
                "small type",
                f"page {number}",
                f"{shown}{more} printed in {min(found.values()):.1f} pt, under {SMALLEST_PT:.0f} pt: "
                "shorten the table's headers, or draw the figure for the width it is printed at.",
            )


def garbled(pdf: Path, made: Typeset) -> Iterator[Finding]:
    """Text that cannot be copied from the PDF: signs without a letter, and words of the TeX that it lacks."""
    text = unicodedata.normalize("NFKC", said(TEXT, pdf))
    for number, page in enumerate(text.split("\f"), start=1):
        bad = [
            sign
            for sign in page
            if sign == "\ufffd" or (unicodedata.category(sign) == "Cc" and sign not in "\n\t\r")
        ]
        if "(cid:" in page or len(bad) > MOST:
            yield Finding(
                "text",
                f"page {number}",
                "has signs that cannot be copied; load cmap, or embed the font whole.",
            )
    whole = re.sub(r"[\W\d_]+", "", text).casefold()
    lost = [word for word in dict.fromkeys(printed_words(made.tex)) if word.casefold() not in whole]
    if len(lost) > MOST:
        shown = ", ".join(lost[:MOST])
        yield Finding(
            "text",
            str(pdf),
            f"{len(lost)} words of the manuscript are not found in it ({shown}, …); load cmap and T1 fonts.",
        )


def printed_words(tex: str) -> list[str]:
    """The words of the running text, in their order; those of commands and their names are left out."""
    prose = re.sub(r"(?<!\\)%.*", "", body(tex))
    prose = _UNPRINTED.sub(r"\1 ", prose).replace("{organization={", "{{")  # a key of elsarticle's addresses
    prose = re.sub(
        r"\$[^$]*\$|\\\[.*?\\\]|\\begin\{(equation|align)\*?\}.*?\\end\{\1\*?\}", " ", prose, flags=re.S
    )
    prose = re.sub(
        r"\\[`'^\"~=.uvHcdbkr]\{?[A-Za-z]\}?", "\x00", _ARGUMENTS.sub(" ", _PICTURE.sub(" ", prose))
    )
    prose = re.sub(r"\S*\x00\S*|\\[A-Za-z@]+\*?(?:\[[^\]]*\])?", " ", prose)
    return list(_WORD.findall(prose.replace(r"\-", "")))


def undescribed(made: Typeset) -> Iterator[Finding]:
    """Pictures without a text for those who cannot see them."""
    for number, row in enumerate(made.tex.split("\n"), start=1):
        for options, name in _PICTURE.findall(row):
            alt = re.search(r"alt\s*=\s*(\{\s*[^\s}]|[^{\s,\]])", options)
            if not alt and not row.lstrip().startswith("%"):
                yield Finding(
                    "alt text",
                    str(made.lines.place(number)),
                    f"the picture {name} has no text for the blind; write \\includegraphics[alt={{…}}].",
                )
    for stem, drawn in made.figures.items():
        if not drawn.figure.alt.strip():
            yield Finding(
                "alt text", f"figure {stem}", "has no alt text; give Figure its `alt` in the plug-in."
            )


def unnamed(pdf: Path) -> Iterator[Finding]:
    """What a screen reader asks of a PDF and does not find: its title, shown as such, and its language."""
    with Pdf.open(pdf) as document:
        root = document.Root
        title = str(document.docinfo.get("/Title", ""))
        shown = root.get("/ViewerPreferences", Dictionary()).get("/DisplayDocTitle", False)
        missing = [] if title.strip() else ["a title (pdftitle)"]
        missing += [] if str(root.get("/Lang", "")) else ["a language (pdflang)"]
        missing += [] if shown else ["pdfdisplaydoctitle=true"]
    if missing:
        cure = r"write them into \hypersetup as templates/venues/shared/preamble.tex does"
        yield Finding("metadata", str(pdf), f"has not {' and not '.join(missing)}; {cure}.")


def unused(made: Typeset, files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Pictures that nothing includes, artifacts made and not placed, floats that no text refers to."""
    tex = body(made.tex)
    placed = {name.strip() for _, name in _PICTURE.findall(tex)} | set(
        re.findall(r"\{(figures/[\w./-]+)\}", tex)
    )
    for name in files:
        path = Path(name)
        picture = path.suffix.lower() in {".pdf", ".png", ".jpg", ".jpeg"} and path.parts[0] != "venues"
        if picture and not placed & {name, str(path.with_suffix("")), path.name, path.stem}:
            yield Finding(
                "unused", f"templates/{name}", "no template includes this picture; place it or remove it."
            )
    for stem in made.figures:
        if not placed & {f"figures/{stem}.pdf", f"figures/{stem}.tex"}:
            yield Finding(
                "unused", f"figure {stem}", r"is made but not printed; place it by \VAR{figure(…)}."
            )
    referred = set(",".join(re.findall(r"\\\w*ref\*?\{([^}]*)\}", tex)).replace(" ", "").split(","))
    rows = made.tex.split("\n")
    for name in dict.fromkeys(name for _, inner in _FLOAT.findall(tex) for name in _LABEL.findall(inner)):
        if name not in referred:
            number = next((at for at, row in enumerate(rows, start=1) if f"\\label{{{name}}}" in row), 1)
            yield Finding(
                "unused",
                str(made.lines.place(number)),
                rf"no text refers to {name}; write \ref{{{name}}}, or remove it.",
            )
