"""A paper from its records: files as values, then written, then compiled and checked."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from paper_kit.core.config import study_root
from paper_kit.core.files import alone_in
from paper_kit.core.status import Fingerprint, RunStatus, not_at_hand
from paper_kit.render.check import Finding, check, pages
from paper_kit.render.compile import Compiled, compile_tex
from paper_kit.render.editions import Edition, counterpart, edition_tex
from paper_kit.render.folder import page_files, write
from paper_kit.render.inspection import Inspection, inspect, keep
from paper_kit.render.manuscript import Manuscript, Typeset, typeset
from paper_kit.render.material import material
from paper_kit.render.proofreading import blind_twin, proofread, same_words, unset_signs
from paper_kit.render.reading import Inputs, read_inputs
from paper_kit.render.refusal import refuse, unfit
from paper_kit.render.request import Request
from paper_kit.render.seal import (
    RUNS,
    Stamp,
    edited_meanwhile,
    stamped,
    unclean,
    unspoiled,
    write_manifest,
)
from paper_kit.render.supplement import PAPER, SUPPLEMENT, part_document
from paper_kit.render.venue import Venue

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results


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


def build_paper(
    request: Request, root: Path | None = None, fingerprint: Fingerprint = not_at_hand
) -> BuildReport:
    """The paper of the study at `root`; InputError lists what a final paper may not have, or what failed."""
    started = time.monotonic()
    root = root or study_root()
    inputs = read_inputs(request, root, fingerprint)
    made = inputs.typeset(request.edition)
    seen = inspect(inputs.manuscript, made, inputs.study, root)
    if request.final:
        told = [str(finding) for finding in seen.findings]
        refuse([*unfit(inputs, made), *told, *(unclean(root) if request.commit else ())])
    with alone_in(inputs.folder):
        report = _written(request, root, inputs, made, seen, inputs.folder)
    return replace(report, seconds=time.monotonic() - started)


def _written(
    request: Request, root: Path, inputs: Inputs, made: Typeset, seen: Inspection, folder: Path
) -> BuildReport:
    """The build folder written, compiled and sealed."""
    files = page_files(made, inputs.manuscript, inputs.venue) | {RUNS: inputs.study.runs_file}
    changed = write(files, folder)
    twin = counterpart(folder, inputs.venue.key, request.edition)
    kept = [place / name for place in (folder, twin) for name in (PAPER, SUPPLEMENT)]
    with unspoiled(*kept):
        done, findings = compiled(request, inputs, made, folder) if request.compile else (None, [])
        seen = seen.with_findings([*unset_signs(made), *findings])
        keep(folder, seen, inputs.sealing.inputs.digest, made)
        if request.final:
            refuse([*map(str, seen.findings), *edited_meanwhile(inputs.sealing, request, root)])
        supplement = part_document(done.pdf, done.log) if done else None
    pdf = done.pdf if done else None
    if pdf is not None:
        named = [*files, *([SUPPLEMENT] if supplement else [])]
        write_manifest(pdf, inputs.sealing, named)  # last: the PDF is what it will be
    return BuildReport(
        folder=folder,
        venue=inputs.venue,
        pdf=pdf,
        pages=pages(pdf) if pdf else 0,
        supplement=pages(supplement) if supplement else 0,
        changed=changed,
        facts=len(made.facts),
        missing=inputs.missing,
        stale=inputs.stale,
        findings=seen.findings,
        seconds=0.0,
    )


def compiled(request: Request, inputs: Inputs, made: Typeset, folder: Path) -> tuple[Compiled, list[Finding]]:
    """The PDF of a written build folder, and what is to be put right in it."""
    done = compile_tex(folder, made.lines)
    findings = check(done, made.lines, inputs.venue)
    findings += proofread(done.pdf, made, inputs.manuscript.paper, inputs.venue)
    if request.final or request.edition != "linked":
        findings += other_edition(inputs, made.edition, done.pdf)
    return done, findings


def other_edition(inputs: Inputs, edition: Edition, pdf: Path) -> list[Finding]:
    """What is wrong in the counterpart of an edition, or where its words differ; a blind one's has links."""
    if shutil.which("pdftotext") is None:
        return []
    blind = edition == "blind"
    made = inputs.typeset("blind" if blind else "camera-ready" if edition == "linked" else "linked")
    files = page_files(made, inputs.manuscript, inputs.venue)
    folder = counterpart(pdf.parent, inputs.venue.key, edition)
    if blind:
        files["edition.tex"] = edition_tex("linked", made.tex, linked=True)
        folder = pdf.parent.with_name(f"{pdf.parent.name}-linked")
    write(files, folder)
    done = compile_tex(folder, made.lines)
    twin = done.pdf
    if blind:
        return blind_twin(pdf, twin, made, inputs.manuscript.paper, inputs.venue)
    linked, plain = (pdf, twin) if edition == "linked" else (twin, pdf)
    found = [*proofread(twin, made, inputs.manuscript.paper, inputs.venue), *same_words(linked, plain)]
    part_document(twin, done.log)
    return found


def build(manuscript: Manuscript, results: Results, venue: Venue, stamp: Stamp) -> dict[str, bytes]:
    """Path in the build folder -> content: TeX, tables, figures, facts; equal inputs give equal bytes."""
    found = stamped(material(results, venue.style()), stamp)
    return page_files(typeset(manuscript, found, venue), manuscript, venue)
