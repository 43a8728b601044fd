"""What the pages of a PDF draw, as digests: text, lines, images, fonts and annotations."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper_kit.core.errors import InputError

if TYPE_CHECKING:
    from hashlib import _Hash

ELSEWHERE = frozenset({"/Parent", "/P", "/Dest", "/D", "/Popup"})  # what leads to other pages


def page_digests(pdf: Path) -> tuple[str, ...]:
    """SHA-256 of all that each page draws, whatever the numbers of its objects; InputError for no PDF."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        return tuple(_digest(page) for page in PdfReader(pdf).pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{pdf}: cannot be read ({error}): it is damaged, or was cut off.") from None


def _digest(page: Any) -> str:
    found = hashlib.sha256()
    _add(found, page, {})
    return found.hexdigest()


def _add(found: _Hash, value: Any, seen: dict[int, int]) -> None:
    """Nothing; the digest holds the object with all that it refers to, each once."""
    from pypdf.generic import DictionaryObject, IndirectObject, StreamObject

    if isinstance(value, IndirectObject):
        known = value.idnum in seen
        found.update(b"%d R" % seen.setdefault(value.idnum, len(seen)))
        if known:
            return
        value = value.get_object()
    if isinstance(value, DictionaryObject):
        found.update(b"<<")
        for key in sorted(set(value) - ELSEWHERE - {"/Length"}):
            found.update(key.encode())
            _add(found, value.raw_get(key), seen)
        if isinstance(value, StreamObject):
            found.update(value.get_data())
    elif isinstance(value, list):
        found.update(b"[")
        for item in value:
            _add(found, item, seen)
    else:
        found.update(f"{type(value).__name__} {value!r}\n".encode())
