"""The seal of a paper: a hash of all that it was built from, printed in it and told in manifest.json."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paper_kit import __version__
from paper_kit.analysis.facts import Fact, Origin
from paper_kit.core.config import Frozen, read_model
from paper_kit.core.digest import Inputs, inputs
from paper_kit.core.files import sha256_file, sha256_text, write_bytes, write_text
from paper_kit.core.git import git
from paper_kit.core.paper import load_paper
from paper_kit.core.plan import Plan, all_runs, run_labels
from paper_kit.render.poppler import TEXT, said

if TYPE_CHECKING:
    from paper_kit.analysis.results import Results
    from paper_kit.render.material import Material
    from paper_kit.render.request import Request

MANIFEST = "manifest.json"  # beside the PDF
RUNS = "runs.json"  # beside facts.json: the runs that they come from
DIGITS = 16  # of the seal, in hexadecimal: 64 bits
COMMIT_DIGITS = 12
RUN_FILE = re.compile(r"runs/([0-9a-f]{12})/")  # among the inputs
SOURCES = ("templates", "paper/paper.toml", "experiments", "plugins", "paper_kit")  # what a commit must hold
# Fields of a Request that change no page, or that `inputs` takes by themselves.
APART = frozenset(
    {"venue", "experiments", "out", "runs", "resources", "compile", "final", "commit", "stamp", "edition"}
)


@dataclass(frozen=True)
class Stamp:
    """What a paper prints of its making: its seal, the commit of its sources, whether all was committed."""

    seal: str
    commit: str = ""
    clean: bool = False

    @property
    def origin(self) -> str:
        """The commit in words: "no commit", or its digits, with a word where files differ from it."""
        if not self.commit:
            return "no commit"
        return self.commit if self.clean else f"{self.commit} with changes"

    def facts(self) -> dict[str, Fact]:
        """build.seal and build.commit, by full key."""
        told = {"build.seal": self.seal, "build.commit": self.origin}
        formula = "SHA-256 of what the build read"
        return {key: Fact(key, text, "text", origin=Origin(formula=formula)) for key, text in told.items()}


@dataclass(frozen=True)
class Sealing:
    """What a build is sealed with: its inputs, the stamp that it prints, and what was asked for."""

    inputs: Inputs
    stamp: Stamp
    asked: Mapping[str, Any]
    final: bool


class Manifest(Frozen):
    """What manifest.json says: the seal, what it was made from, what was asked for, and what came out.

    `inputs` maps class -> name -> hash; `asked` are fields of a Request; `files` maps each file of the build
    folder to its SHA-256, `text_sha256` is that of the words in the PDF (empty: no pdftotext), `tex` the
    first line of `pdflatex --version`.
    """

    seal: str
    digest: str
    digests: dict[str, str]
    commit: str
    clean: bool
    final: bool
    paperkit: str
    asked: dict[str, Any]
    pdf: str
    pdf_sha256: str
    text_sha256: str
    tex: str
    files: dict[str, str]
    inputs: dict[str, dict[str, str]]

    @property
    def stamp(self) -> Stamp:
        """What the sealed paper prints."""
        return Stamp(self.seal, self.commit, self.clean)


def seal(found: Inputs) -> str:
    """The first 16 hex digits of the inputs' digest: what the paper prints."""
    return found.digest[:DIGITS]


def inputs_of(request: Request, root: Path, *, remember: bool = True, plans: tuple[Plan, ...] = ()) -> Inputs:
    """The inputs of the build that is asked for; InputError for a study that cannot be planned."""
    return inputs(
        root,
        venue=request.venue,
        experiments=request.experiments,
        runs=request.runs,
        options=options_of(request),
        remember=remember,
        plans=plans,
    )


def options_of(request: Request) -> dict[str, Any]:
    """What else was asked for and changes pages: fields that differ from their defaults."""
    found = {}
    for each in fields(request):
        default = each.default if each.default is not MISSING else None
        value = getattr(request, each.name)
        if each.name not in APART and value != default:
            found[each.name] = value
    return found


def sealing(request: Request, root: Path, plans: tuple[Plan, ...] = ()) -> Sealing:
    """The inputs of a build with its stamp, which is the request's own where that has one."""
    found, paper = inputs_of(request, root, plans=plans), load_paper(root)
    asked = {
        "venue": request.venue or paper.venue,
        "experiments": list(request.experiments or paper.experiments),
        **options_of(request),
        **({} if request.edition == "linked" else {"edition": request.edition}),
    }
    return Sealing(found, request.stamp or stamp(found, root), asked, request.final)


def edited_meanwhile(sealed: Sealing, request: Request, root: Path) -> list[str]:
    """What was changed between the reading of the inputs and now, for a seal must be true of the PDF."""
    changed = inputs_of(request, root).changed_since(sealed.inputs.classes)
    return [
        f"{name} changed while the paper was built: {', '.join(found[:5])}. Build it again."
        for name, found in changed.items()
    ]


def stamped(found: Material, stamp: Stamp) -> Material:
    """The material with the facts build.seal and build.commit."""
    return replace(found, facts={**found.facts, **stamp.facts()})


def stamp(found: Inputs, root: Path) -> Stamp:
    """The seal of the inputs, with the last commit that changed the study's sources."""
    commit = git(root, "log", "-1", "--format=%H", "--", *SOURCES)
    digits = commit.strip()[:COMMIT_DIGITS] if commit else ""
    return Stamp(seal(found), digits, bool(digits) and not unclean(root))


def unclean(root: Path) -> list[str]:
    """Why the study's sources are not those of a commit, each with what to type; empty where they are."""
    said = git(root, "status", "--porcelain", "--untracked-files=all", "--", *SOURCES)
    if said is None:
        return [
            f"{root}: not in a git repository, so no commit can be named. Type `git init`, and commit the "
            "study, or build with --no-commit."
        ]
    changed = [line[3:] for line in said.splitlines()]
    if not git(root, "ls-files", "--", "paper/paper.toml"):
        changed = changed or ["paper/paper.toml"]
    if not changed:
        return []
    shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
    return [f"not committed: {shown}. Type `git add -A && git commit`, or build with --no-commit."]


def runs_used(results: Results) -> dict[str, Any]:
    """Run id -> label, seed, spec, code, data, engine, environment, metrics of the finished runs."""
    labels = run_labels(results.plans)
    return {
        run.id: run_entry(results.record(run.id).model_dump(mode="json"), labels[run.id])
        for run in all_runs(results.plans)
        if results.done(run)
    }


def run_entry(record: Mapping[str, Any], label: str) -> dict[str, Any]:
    """What is told of a run to explain a number: parts of its record."""
    told = {name: record[name] for name in ("spec", "code", "engine", "metrics", "environment")}
    fingerprint = record["data"].get("fingerprint", "")
    return {"label": label, "seed": record["spec"]["seed"], "data": fingerprint, **told}


def runs_file(results: Results) -> bytes:
    """The content of runs.json; equal runs give equal bytes."""
    return (json.dumps(runs_used(results), indent=1, ensure_ascii=False) + "\n").encode()


def write_manifest(pdf: Path, sealed: Sealing, names: Iterable[str]) -> Manifest:
    """The Manifest, written beside the PDF; `names` are the other files of its folder."""
    text = pdf_text(pdf)
    made = Manifest(
        seal=sealed.stamp.seal,
        digest=sealed.inputs.digest,
        digests=sealed.inputs.digests,
        commit=sealed.stamp.commit,
        clean=sealed.stamp.clean,
        final=sealed.final,
        paperkit=__version__,
        asked=dict(sealed.asked),
        pdf=pdf.name,
        pdf_sha256=sha256_file(pdf),
        text_sha256="" if text is None else sha256_text(" ".join(text.split())),
        tex=tex_version(),
        files={name: sha256_file(pdf.parent / name) for name in sorted(names)},
        inputs={name: dict(each) for name, each in sealed.inputs.classes.items()},
    )
    written = json.dumps(made.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"
    path = pdf.parent / MANIFEST
    if not path.is_file() or path.read_text(encoding="utf-8") != written:
        write_text(path, written)
    return made


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file; InputError where it is missing, damaged or of another version."""
    again = "Type `paperkit build-pdf` to build and seal it again."
    return read_model(path, Manifest, "a manifest of a paper", again)


def elsewhere(then: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]], runs: Path) -> str:
    """What to type where none of the runs that a paper was sealed with is at hand; else nothing."""
    sealed, here = (
        {found[1] for name in side.get("records", {}) if (found := RUN_FILE.match(name))}
        for side in (then, now)
    )
    if not sealed or sealed & here:
        return ""
    what = f"None of the {len(sealed)} runs" if len(sealed) > 1 else "The run"
    verb = "is" if len(sealed) > 1 else "is not"
    return f"{what} of this PDF {verb} in {runs}. Were they elsewhere? Add --runs FOLDER."


@contextmanager
def unspoiled(*pdfs: Path) -> Iterator[None]:
    """A block after which the PDFs are as before, or gone, if it raises: none that is refused stays."""
    before = {pdf: pdf.read_bytes() if pdf.is_file() else None for pdf in pdfs}
    try:
        yield
    except BaseException:
        for pdf, data in before.items():
            if data is None:
                pdf.unlink(missing_ok=True)
            elif not pdf.is_file() or pdf.read_bytes() != data:
                write_bytes(pdf, data)
        raise


def pdf_text(pdf: Path) -> str | None:
    """The text of a PDF in reading order; None where pdftotext is missing or cannot read it."""
    if shutil.which("pdftotext") is None:
        return None
    return said(TEXT, pdf) or None  # that of a page without words has a form feed


@cache
def tex_version() -> str:
    """The first line that `pdflatex --version` prints; empty where there is no TeX."""
    if shutil.which("pdflatex") is None:
        return ""
    done = subprocess.run(["pdflatex", "--version"], capture_output=True, check=False)
    return done.stdout.decode(errors="replace").partition("\n")[0].strip()
