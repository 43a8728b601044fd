"""The pictures of a paper as SVG or PNG, diagrams set by TeX; each with its width in print."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from paper_kit.core.errors import InputError
from paper_kit.render.compile import INSTALL, compile_tex
from paper_kit.render.manuscript import MACROS
from paper_kit.render.source_map import SourceMap

Format = Literal["svg", "png"]
DPI = 300  # of PNG
MOST_SVG = 1_500_000  # bytes; a picture of more strokes is smaller as PNG
SVG_DPI = 220
_MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".svg": "image/svg+xml"}
_PAGES = r"""\documentclass{article}
\input{macros}
\usepackage[T1]{fontenc}
\usepackage{textcomp,amsmath,amssymb,mathptmx,xcolor,tikz}
\usetikzlibrary{arrows.meta}
\newcommand\shipped[1]{\setbox0\hbox{\input{#1}}%
  \pdfpagewidth=\dimexpr\wd0+2pt\relax\pdfpageheight=\dimexpr\ht0+\dp0+2pt\relax
  \hoffset=\dimexpr-1in+1pt\relax\voffset=\hoffset\shipout\box0}
\begin{document}
SHEETS
\end{document}
"""


@dataclass(frozen=True)
class Picture:
    """A picture's file, the name of its format's ending, and its width in print."""

    data: bytes
    ending: str
    width_in: float

    @property
    def media(self) -> str:
        """Its media type."""
        return _MEDIA[self.ending]


def pictures(names: Iterable[str], files: Mapping[str, bytes], wanted: Format) -> dict[str, Picture]:
    """The pictures of those names, which a build has among its `files`; InputError names what is missing."""
    asked = list(dict.fromkeys(names))
    missing = [name for name in asked if _found(name, files) is None]
    if missing:
        raise InputError([f"{name}: the paper has no such picture." for name in missing])
    diagrams = [name for name in asked if name.endswith(".tex")]
    found: dict[str, Picture] = {}
    with tempfile.TemporaryDirectory(prefix="paperkit-web-") as folder:
        sheets = _set(diagrams, files, Path(folder)) if diagrams else b""
        for name in asked:
            if name in diagrams:
                found[name] = _drawn(sheets, diagrams.index(name) + 1, wanted, Path(folder))
            else:
                place = _found(name, files) or name
                found[name] = _picture(place, files[place], wanted, Path(folder))
    return found


def _found(name: str, files: Mapping[str, bytes]) -> str | None:
    """The name of the file that TeX takes for a picture, whose ending may be left out."""
    return next(
        (each for each in (name, *(f"{name}{end}" for end in (".pdf", *_MEDIA))) if each in files), None
    )


def _set(diagrams: list[str], files: Mapping[str, bytes], folder: Path) -> bytes:
    """A PDF with a page as large as it is for each diagram."""
    (folder / "figures").mkdir()
    lines = []
    for place, name in enumerate(diagrams):
        (folder / "figures" / f"{place}.tex").write_bytes(files[name])
        lines.append(rf"\shipped{{figures/{place}.tex}}")
    (folder / MACROS).write_bytes(files[MACROS])
    (folder / "paper.tex").write_text(_PAGES.replace("SHEETS", "\n".join(lines)), encoding="utf-8")
    return compile_tex(folder, SourceMap(())).pdf.read_bytes()


def _picture(name: str, data: bytes, wanted: Format, folder: Path) -> Picture:
    """A picture that is at hand; a PDF's first page, others as they are."""
    ending = Path(name).suffix.lower()
    if ending == ".pdf":
        return _drawn(data, 1, wanted, folder)
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return Picture(data, ending, image.width / float(image.info.get("dpi", (150, 150))[0] or 150))


def _drawn(pdf: bytes, page: int, wanted: Format, folder: Path) -> Picture:
    """A page of a PDF in the wanted format."""
    from pikepdf import Pdf

    with Pdf.open(io.BytesIO(pdf)) as document:
        box = document.pages[page - 1].mediabox
        width_in = float(box[2] - box[0]) / 72
    (folder / "page.pdf").write_bytes(pdf)
    if wanted == "svg":
        data = _cairo(["-svg", "-f", str(page), "-l", str(page), "page.pdf", "-"], folder)
        if len(data) <= MOST_SVG:
            return Picture(_shorter(data), ".svg", width_in)
    dpi = str(SVG_DPI if wanted == "svg" else DPI)
    data = _cairo(
        ["-png", "-singlefile", "-r", dpi, "-f", str(page), "-l", str(page), "page.pdf", "-"], folder
    )
    return Picture(data, ".png", width_in)


def _shorter(svg: bytes) -> bytes:
    """The SVG with numbers of at most two digits behind the point: a third of its bytes."""
    return re.sub(rb"(\d\.\d\d)\d+", rb"\1", svg)


def _cairo(options: list[str], folder: Path) -> bytes:
    if shutil.which("pdftocairo") is None:
        raise InputError(f"There is no pdftocairo. {INSTALL}")
    done = subprocess.run(["pdftocairo", *options], cwd=folder, capture_output=True, check=False, timeout=120)
    if done.returncode:
        raise InputError(f"pdftocairo cannot draw a figure: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
