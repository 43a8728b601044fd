"""What a build made, told again by the next one where nothing has changed since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from paper_kit.core.files import canonical_json, sha256_file, sha256_text, write_json
from paper_kit.core.status import RunStatus
from paper_kit.render.check import Finding
from paper_kit.render.compile import JOB
from paper_kit.render.folder import FINDINGS, WRITTEN
from paper_kit.render.reading import Inputs, key_of
from paper_kit.render.request import Request
from paper_kit.render.seal import MANIFEST
from paper_kit.render.venue import Venue

MEMORY = "build.json"  # beside the PDF: what the last build was made from, and what came out
COMPILED = (MANIFEST, "paper.pdf", "supplement.pdf", "pages.json")  # of a build that was compiled
TOOLS = ("pdflatex", "bibtex", "pdftotext", "pdftohtml", "pdffonts")


@dataclass(frozen=True)
class BuildReport:
    """What a build made: its folder, the PDF (None where only rendered), and what is to be put right."""

    folder: Path
    venue: Venue
    pdf: Path | None
    pages: int
    supplement: int  # its pages; 0 where there is none
    changed: tuple[str, ...]  # files written, of all in the folder
    facts: int  # printed
    missing: tuple[RunStatus, ...]  # runs that are not finished
    stale: tuple[RunStatus, ...]
    findings: tuple[Finding, ...]
    seconds: float
    drawn: tuple[str, ...] = ()  # names of the figures that were drawn
    cached: int = 0  # figures that were not
    unchanged: bool = False  # nothing had changed since the last build


def unchanged(request: Request, inputs: Inputs) -> BuildReport | None:
    """The last build in the folder, where another one would be the same; None where it could differ.

    A build that was drawn up as a draft is no final one. Any file of the folder that is gone or was edited
    makes it another.
    """
    try:
        kept = json.loads((inputs.folder / MEMORY).read_text(encoding="utf-8"))
        files: dict[str, str] = kept["files"]
        if kept["key"] != _key(request, inputs) or (request.final and not kept["final"]):
            return None
        if any(sha256_file(inputs.folder / name) != digest for name, digest in files.items()):
            return None
        return BuildReport(
            folder=inputs.folder,
            venue=inputs.venue,
            pdf=inputs.folder / f"{JOB}.pdf" if request.compile else None,
            pages=kept["pages"],
            supplement=kept["supplement"],
            changed=(),
            facts=kept["facts"],
            missing=inputs.missing,
            stale=inputs.stale,
            findings=tuple(Finding(*each) for each in kept["findings"]),
            seconds=0.0,
            unchanged=True,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # no memory, or a damaged one


def remember(report: BuildReport, request: Request, inputs: Inputs, names: Iterable[str]) -> None:
    """Nothing; build.json tells the next build what this one made. `names` are the files that it wrote."""
    extra = [WRITTEN, FINDINGS, *(COMPILED if report.pdf else ())]
    there = [path for name in (*names, *extra) if (path := report.folder / name).is_file()]
    told: dict[str, Any] = {
        "key": _key(request, inputs),
        "final": request.final,
        "pages": report.pages,
        "supplement": report.supplement,
        "facts": report.facts,
        "findings": [[each.kind, each.place, each.message] for each in report.findings],
        "files": {path.relative_to(report.folder).as_posix(): sha256_file(path) for path in there},
    }
    write_json(report.folder / MEMORY, told)


def _key(request: Request, inputs: Inputs) -> str:
    """SHA-256 of all that the files, the PDF and the findings of a build depend on."""
    sealed = inputs.sealing
    told = {
        "inputs": sealed.inputs.digest,
        "records": key_of(inputs),
        "stamp": asdict(sealed.stamp),
        "asked": dict(sealed.asked),
        "compiled": request.compile,
        "tools": {name: _tool(name) for name in TOOLS},
    }
    return sha256_text(canonical_json(told))


def _tool(name: str) -> list[str | int]:
    """Where a program lies and when it was changed; nothing where it is missing."""
    found = shutil.which(name)
    return [found, Path(found).stat().st_mtime_ns] if found else []
