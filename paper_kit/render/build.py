"""A paper from its records: files as values, then written, then compiled and checked."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paper_kit.analysis.claims import told as told_claims
from paper_kit.analysis.results import Results, collect
from paper_kit.core.config import study_root, weights_folders
from paper_kit.core.errors import InputError
from paper_kit.core.files import alone_in, read_json, write_bytes
from paper_kit.core.paper import experiment_files, load_paper
from paper_kit.core.plan import load_plans
from paper_kit.core.spec import Resources
from paper_kit.core.status import Fingerprint, RunStatus, not_at_hand, statuses
from paper_kit.core.store import RunState, Store
from paper_kit.render.check import Finding, check, pages
from paper_kit.render.compile import JOB, compile_tex
from paper_kit.render.editions import Edition, counterpart, edition_tex, folder_name
from paper_kit.render.inspection import Inspection, inspect, keep
from paper_kit.render.manuscript import (
    Manuscript,
    Typeset,
    load_manuscript,
    placeholders,
    typeset,
)
from paper_kit.render.material import material
from paper_kit.render.proofreading import blind_twin, proofread, same_words, unset_signs
from paper_kit.render.provenance import CLAIMS, PROVENANCE, provenance_json
from paper_kit.render.seal import (
    RUNS,
    Sealing,
    Stamp,
    edited_meanwhile,
    runs_file,
    sealing,
    stamped,
    unclean,
    unspoiled,
    write_manifest,
)
from paper_kit.render.venue import Venue, belongs, load_venue, place_in_build

WRITTEN = "files.json"  # names of the files of the last build


@dataclass(frozen=True)
class BuildReport:
    """What a build made: its folder, the PDF (None where only rendered), and what is to be put right."""

    folder: Path
    venue: Venue
    pdf: Path | None
    pages: int
    changed: tuple[str, ...]  # files written, of all in the folder
    facts: int  # printed
    missing: tuple[RunStatus, ...]  # runs that are not finished
    stale: tuple[RunStatus, ...]
    findings: tuple[Finding, ...]
    seconds: float


@dataclass(frozen=True)
class Request:
    """What to build: venue ("" for paper.toml's), experiments (none for paper.toml's), and how strictly.

    `final` refuses whatever a draft only marks; `compile` false stops after TeX, tables and figures are
    written; `out` is the build folder, by default paper/build/<venue>; `runs` is the Store's folder.
    `commit` false lets a final paper be built from files that are not committed; `stamp` is printed in
    place of today's seal and commit, to build a sealed paper again. `edition` is with links to the origin of
    each number, without (for a publisher), or without names (for reviewers).
    """

    venue: str = ""
    experiments: tuple[str, ...] = ()
    final: bool = False
    compile: bool = True
    show_images: bool = False
    out: Path | None = None
    runs: Path | None = None
    commit: bool = True
    stamp: Stamp | None = None
    edition: Edition = "linked"
    resources: Resources = field(default_factory=Resources)


@dataclass(frozen=True)
class Inputs:
    """All that a build reads, read."""

    manuscript: Manuscript
    results: Results
    venue: Venue
    missing: tuple[RunStatus, ...]
    stale: tuple[RunStatus, ...]
    sealing: Sealing

    def typeset(self, edition: Edition = "linked") -> Typeset:
        """The manuscript as one TeX file, with what it places."""
        stale_runs = frozenset(status.run.id for status in self.stale)
        found = material(self.results, self.venue.style(), stale_runs)
        return typeset(self.manuscript, stamped(found, self.sealing.stamp), self.venue, edition)


def build_paper(
    request: Request, root: Path | None = None, fingerprint: Fingerprint = not_at_hand
) -> BuildReport:
    """The paper of the study at `root`; InputError lists what a final paper may not have, or what failed."""
    started = time.monotonic()
    root = root or study_root()
    inputs = read_inputs(request, root, fingerprint)
    made = inputs.typeset(request.edition)
    seen = inspect(inputs.manuscript, made, inputs.results, root)
    if request.final:
        told = [str(finding) for finding in seen.findings]
        refuse([*unfit(inputs, made), *told, *(unclean(root) if request.commit else ())])
    folder = request.out or root / "paper" / "build" / folder_name(inputs.venue.key, request.edition)
    with alone_in(folder):
        report = _written(request, root, inputs, made, seen, folder)
    return replace(report, seconds=time.monotonic() - started)


def _written(
    request: Request, root: Path, inputs: Inputs, made: Typeset, seen: Inspection, folder: Path
) -> BuildReport:
    """The build folder written, compiled and sealed."""
    files = page_files(made, inputs.manuscript, inputs.venue) | {RUNS: runs_file(inputs.results)}
    changed = write(files, folder)
    twin = counterpart(folder, inputs.venue.key, request.edition)
    with unspoiled(folder / f"{JOB}.pdf"), unspoiled(twin / f"{JOB}.pdf"):
        pdf, findings = compiled(request, inputs, made, folder) if request.compile else (None, [])
        seen = seen.with_findings([*unset_signs(made), *findings])
        keep(folder, seen, inputs.sealing.inputs.digest, made)
        if request.final:
            refuse([*map(str, seen.findings), *edited_meanwhile(inputs.sealing, request, root)])
    if pdf is not None:
        write_manifest(pdf, inputs.sealing, files)  # last: the PDF is what it will be
    return BuildReport(
        folder=folder,
        venue=inputs.venue,
        pdf=pdf,
        pages=pages(pdf) if pdf else 0,
        changed=changed,
        facts=len(made.facts),
        missing=inputs.missing,
        stale=inputs.stale,
        findings=seen.findings,
        seconds=0.0,
    )


def compiled(request: Request, inputs: Inputs, made: Typeset, folder: Path) -> tuple[Path, list[Finding]]:
    """The PDF of a written build folder, and what is to be put right in it."""
    done = compile_tex(folder, made.lines)
    findings = check(done, made.lines, inputs.venue)
    findings += proofread(done.pdf, made, inputs.manuscript.paper, inputs.venue)
    if request.final or request.edition != "linked":
        findings += other_edition(inputs, made.edition, done.pdf)
    return done.pdf, findings


def other_edition(inputs: Inputs, edition: Edition, pdf: Path) -> list[Finding]:
    """What is wrong in the counterpart of an edition, or where its words differ; a blind one's has links."""
    if shutil.which("pdftotext") is None:
        return []
    blind = edition == "blind"
    made = inputs.typeset("blind" if blind else "camera-ready" if edition == "linked" else "linked")
    files = page_files(made, inputs.manuscript, inputs.venue)
    folder = counterpart(pdf.parent, inputs.venue.key, edition)
    if blind:
        files["edition.tex"] = edition_tex("linked", appendix=True)
        folder = pdf.parent.with_name(f"{pdf.parent.name}-linked")
    write(files, folder)
    twin = compile_tex(folder, made.lines).pdf
    if blind:
        return blind_twin(pdf, twin, made, inputs.manuscript.paper, inputs.venue)
    linked, plain = (pdf, twin) if edition == "linked" else (twin, pdf)
    return [*proofread(twin, made, inputs.manuscript.paper, inputs.venue), *same_words(linked, plain)]


def build(manuscript: Manuscript, results: Results, venue: Venue, stamp: Stamp) -> dict[str, bytes]:
    """Path in the build folder -> content: TeX, tables, figures, facts; equal inputs give equal bytes."""
    found = stamped(material(results, venue.style()), stamp)
    return page_files(typeset(manuscript, found, venue), manuscript, venue)


def read_inputs(request: Request, root: Path, fingerprint: Fingerprint = not_at_hand) -> Inputs:
    """Templates, records and venue of a study; InputError for what is wrong with them."""
    paper, templates = load_paper(root), root / "templates"
    venue = load_venue(templates, request.venue or paper.venue)
    plans = load_plans(experiment_files(root, request.experiments), weights=weights_folders(root))
    store = Store(request.runs or root / "experiments" / "runs")
    literature = templates / "literature.toml"
    results = collect(
        plans,
        store,
        resources=request.resources,
        literature=literature if literature.is_file() else None,
        show_images=request.show_images,
        alpha=paper.alpha,
        margin_points=paper.equivalence_margin,
    )
    states = statuses(plans, store, fingerprint)
    return Inputs(
        load_manuscript(templates, paper),
        results,
        venue,
        missing=tuple(status for status in states if status.state is not RunState.DONE),
        stale=tuple(status for status in states if status.stale),
        sealing=sealing(request, root),
    )


def page_files(made: Typeset, manuscript: Manuscript, venue: Venue) -> dict[str, bytes]:
    """Path in the build folder -> content, for all that TeX and a reader need."""
    files = {
        place_in_build(name, venue): data for name, data in manuscript.files.items() if belongs(name, venue)
    }
    files["paper.tex"] = made.tex.encode()
    for stem, table in made.tables.items():
        files[f"tables/{stem}.csv"] = table.to_csv().encode()
        files[f"tables/{stem}.md"] = table.to_markdown().encode()
    for stem, drawn in made.figures.items():
        files[f"figures/{stem}.pdf"] = drawn.pdf
        files[f"figures/{stem}.csv"] = drawn.figure.data.to_csv(index=False).encode()
    files["facts.json"] = _json([fact.as_dict() for fact in made.facts])
    files["registry.json"] = _json(dict(made.registry))
    files[CLAIMS] = _json({"claims": list(told_claims(made.claims)), "family": list(made.family)})
    if made.edition == "linked":
        files[PROVENANCE] = provenance_json(made.provenance, made.facts, {"venue": venue.key})
    files["edition.tex"] = edition_tex(made.edition, appendix=r"\pkprovenance" in made.tex)
    files["lines.json"] = json.dumps(made.lines.as_list(), ensure_ascii=False).encode()
    return files


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def write(files: Mapping[str, bytes], folder: Path) -> tuple[str, ...]:
    """Names of the files that changed; what an earlier build wrote and this one does not is removed."""
    index = folder / WRITTEN
    before = read_json(index) if index.is_file() else []
    for name in set(before) - set(files):
        (folder / name).unlink(missing_ok=True)
    changed = []
    for name, data in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            write_bytes(path, data)
            changed.append(name)
    if sorted(before) != sorted(files):
        write_bytes(index, json.dumps(sorted(files)).encode())
    return tuple(changed)


def unfit(inputs: Inputs, made: Typeset) -> list[str]:
    """What a final paper may not have, each with what to do."""
    paper = inputs.manuscript.paper
    problems = [
        f"{status.label}: not finished ({status.state}). Type `paperkit run-all`."
        for status in inputs.missing
    ]
    problems += [
        f"{status.label}: {'; '.join(status.stale)}. Type `paperkit run-all --refresh`."
        for status in inputs.stale
    ]
    problems += [
        f"paper/paper.toml: {text!r} is a placeholder; write the true name." for text in placeholders(paper)
    ]
    if inputs.results.synthetic and not paper.demo:
        problems.append(
            "The study uses synthetic data: write demo = true in paper/paper.toml if that is meant."
        )
    problems += [
        f"{judged.place or 'a verb'}: the claim on {judged.comparison.name} has no value. Add what it "
        "compares, or remove the claim."
        for judged in made.claims
        if judged.verdict == "pending"
    ]
    unknown: dict[str, list[str]] = {}
    for fact in made.facts:
        if fact.fact.missing:
            unknown.setdefault(str(fact.places[0]) if fact.places else "a table", []).append(fact.name)
    return problems + [f"{place}: not known yet: {', '.join(names)}." for place, names in unknown.items()]


def refuse(problems: Sequence[str]) -> None:
    """Nothing where there are no problems; else InputError."""
    if problems:
        raise InputError(["--final: this paper is not finished.", *dict.fromkeys(problems)])
