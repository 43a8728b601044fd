"""What poppler's tools say of a PDF: each asked once of the same file, and side by side."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, lru_cache
from pathlib import Path

from paper_kit.core.files import sha256_file

INSTALL = "Install poppler: sudo apt-get install poppler-utils, or brew install poppler."
TEXT = ("pdftotext", "-enc", "UTF-8")
BOXES = ("pdftotext", "-bbox")
ZOOM = 3  # pdftohtml's largest: it rounds sizes to a third of a point
SIZES = ("pdftohtml", "-xml", "-i", "-hidden", "-zoom", str(ZOOM), "-stdout")
FONTS = ("pdffonts",)
TO_STDOUT = {TEXT: ("-",), BOXES: ("-",)}  # after the file's name


def said(question: tuple[str, ...], pdf: Path) -> str:
    """What a tool says of a PDF; empty where it cannot read it, or is missing."""
    return _asked(question, pdf, sha256_file(pdf)).result()


def ask_ahead(pdf: Path, *questions: tuple[str, ...]) -> None:
    """Nothing; the tools are at work, so that `said` will not have to wait for them."""
    digest = sha256_file(pdf)
    for question in questions:
        _asked(question, pdf, digest)


def numbers_drawn(pdf: bytes) -> frozenset[str] | None:
    """The numbers among the words of a drawing; None where pdftotext is missing or cannot read it."""
    from paper_kit.render.typed import NUMBER  # with all of Jinja, which `why` has no need of

    if shutil.which("pdftotext") is None:
        return None
    done = subprocess.run([*TEXT, "-", "-"], input=pdf, capture_output=True, check=False)
    return None if done.returncode else frozenset(NUMBER.findall(done.stdout.decode(errors="replace")))


@lru_cache(maxsize=24)
def _asked(question: tuple[str, ...], pdf: Path, _digest: str) -> Future[str]:
    return _workers().submit(_answer, [*question, str(pdf), *TO_STDOUT.get(question, ())])


def _answer(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, check=False)
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


@cache
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(2, os.cpu_count() or 1), "poppler")
