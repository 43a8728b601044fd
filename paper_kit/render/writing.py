"""A paper that is set, written into its build folder, compiled, checked and sealed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from paper_kit.render.check import Finding, check, pages
from paper_kit.render.compile import Compiled, compile_tex
from paper_kit.render.editions import Edition, counterpart, edition_tex
from paper_kit.render.folder import page_files, write
from paper_kit.render.legible import unused
from paper_kit.render.manuscript import Typeset
from paper_kit.render.poppler import BOXES, FONTS, SIZES, TEXT, ask_ahead
from paper_kit.render.proofreading import blind_twin, proofread, same_words, unset_signs
from paper_kit.render.reading import Inputs
from paper_kit.render.refusal import refuse, unfit
from paper_kit.render.report import BuildReport, remember
from paper_kit.render.request import Request
from paper_kit.render.seal import RUNS, edited_meanwhile, unclean, unspoiled, write_manifest
from paper_kit.render.supplement import PAPER, SUPPLEMENT, part_document

if TYPE_CHECKING:
    from paper_kit.render.inspection import Inspection


def anew(request: Request, root: Path, inputs: Inputs, say: Callable[[str], None]) -> BuildReport:
    """The report on a build folder that was written, compiled, checked and sealed."""
    say("Filling the templates")
    made = inputs.typeset(request.edition)
    with ThreadPoolExecutor(1) as aside:  # while TeX is at work
        seen = aside.submit(inspected, inputs, made, root)
        if request.final:
            told = [str(finding) for finding in seen.result().findings]
            for status in inputs.deviating:
                say(f"not as planned: {status.label} ({status.run.id}): {status.note}")
            refuse([*unfit(inputs, made), *told, *(unclean(root) if request.commit else ())])
        if request.compile:
            say("Compiling and checking the PDF")
        return written(request, root, inputs, made, seen)


def inspected(inputs: Inputs, made: Typeset, root: Path) -> Inspection:
    """The inspection of the manuscript; what it needs is loaded while TeX is at work."""
    from paper_kit.render.inspection import inspect

    return inspect(inputs.manuscript, made, inputs.study, root)


def written(
    request: Request, root: Path, inputs: Inputs, made: Typeset, looking: Future[Inspection]
) -> BuildReport:
    """The build folder written, compiled and sealed."""
    folder = inputs.folder
    files = page_files(made, inputs.manuscript, inputs.venue) | {RUNS: inputs.study.runs_file}
    changed = write(files, folder)
    twin = counterpart(folder, inputs.venue.key, request.edition)
    kept = [place / name for place in (folder, twin) for name in (PAPER, SUPPLEMENT)]
    with unspoiled(*kept):
        done, findings = compiled(request, inputs, made, folder) if request.compile else (None, [])
        seen = looking.result().with_findings([*unset_signs(made), *findings])
        seen.keep(folder, inputs.sealing.inputs.digest, made)
        if request.final:
            refuse([*map(str, seen.findings), *edited_meanwhile(inputs.sealing, request, root)])
        supplement = part_document(done.pdf, done.log) if done else None
    pdf = done.pdf if done else None
    if pdf is not None:
        named = [*files, *([SUPPLEMENT] if supplement else [])]
        write_manifest(pdf, inputs.sealing, named)  # last: the PDF is what it will be
    report = BuildReport(
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
        drawn=tuple(sorted(inputs.making.drawn)),
        cached=len(made.figures) - len(inputs.making.drawn),
    )
    remember(report, request, inputs, files)
    return report


def compiled(request: Request, inputs: Inputs, made: Typeset, folder: Path) -> tuple[Compiled, list[Finding]]:
    """The PDF of a written build folder, and what is to be put right in it."""
    done = compile_tex(folder, made.lines)
    ask_ahead(done.pdf, FONTS, TEXT, BOXES, SIZES)
    findings = [*unused(made, inputs.manuscript.files), *check(done, made.lines, inputs.venue)]
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
