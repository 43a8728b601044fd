"""Whether a paper is the one that was sealed, whether its inputs are the same, and whether it rebuilds."""

from __future__ import annotations

import difflib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from paper_kit.core.config import weights_folders
from paper_kit.core.digest import CLASSES, Inputs
from paper_kit.core.errors import InputError
from paper_kit.core.files import sha256_file
from paper_kit.core.paper import experiment_files
from paper_kit.core.plan import load_plans, run_labels
from paper_kit.core.status import Fingerprint, not_at_hand
from paper_kit.render.build import build_paper
from paper_kit.render.differences import FACTS, differences, load_build
from paper_kit.render.request import Request
from paper_kit.render.seal import (
    DIGITS,
    MANIFEST,
    RUNS,
    Manifest,
    elsewhere,
    inputs_of,
    pdf_text,
    read_manifest,
    seal,
    tex_version,
)
from paper_kit.render.supplement import SUPPLEMENT

MOST = 5  # differences told before "and 2 more"
AROUND = 3  # words shown on either side of one that differs
VALUES = frozenset({"data", "environment", "options"})  # classes whose entries are short enough to show


class Verdict(StrEnum):
    """How one check came out."""

    OK = "ok"
    DIFFERS = "differs"
    UNKNOWN = "could not be checked"


@dataclass(frozen=True)
class Check:
    """One check: what was looked at, how it came out, in one line why, and details below."""

    name: str
    verdict: Verdict
    told: str
    details: tuple[str, ...] = ()


def verify(
    pdf: Path, request: Request, root: Path, *, rebuild: bool = True, fingerprint: Fingerprint = not_at_hand
) -> tuple[Check, ...]:
    """The checks of a paper against its seal and the study at `root`.

    `request` says where runs and data lie, and what was built where the paper has no manifest. Raises
    InputError for what is no PDF.
    """
    _refuse_other_files(pdf)
    place = find_manifest(pdf, root)
    if place is None:
        checks = [
            Check("file", Verdict.UNKNOWN, f"there is no {MANIFEST} for it"),
            _printed(pdf, request, root),
        ]
        asked = replace(request, out=None)
    else:
        manifest = read_manifest(place)
        asked = request_of(manifest, request)
        checks = [_file(pdf, manifest, place), _inputs(manifest, asked, root)]
    if rebuild:
        checks += _rebuilt(pdf, place, asked, root, fingerprint)
    return tuple(checks)


def find_manifest(pdf: Path, root: Path) -> Path | None:
    """The manifest of this very file, else of the seal that it prints, else the one beside it; or None."""
    folders = [pdf.parent, *sorted(pdf.parent.glob("*/")), *sorted((root / "paper" / "build").glob("*/"))]
    places = dict.fromkeys(folder / MANIFEST for folder in folders if (folder / MANIFEST).is_file())
    known = {place: read_manifest(place) for place in places}
    digest, text = sha256_file(pdf), _whole_text(pdf) or ""
    for place, manifest in known.items():
        if manifest.pdf_sha256 == digest:
            return place
    for place, manifest in known.items():
        if manifest.seal in text:
            return place
    return next((place for place in known if place.parent == pdf.parent), None)


def _whole_text(pdf: Path) -> str | None:
    """The text of a PDF and of the supplement beside it, where the appendix prints the seal."""
    text, supplement = pdf_text(pdf), pdf.with_name(SUPPLEMENT)
    beside = pdf_text(supplement) if supplement.is_file() and supplement != pdf else None
    return text if text is None or beside is None else f"{text}\n{beside}"


def request_of(manifest: Manifest, request: Request) -> Request:
    """The Request that builds the sealed paper again; where runs and data lie is as in `request`."""
    known = {each.name for each in fields(Request)}
    asked = {name: value for name, value in manifest.asked.items() if name in known}
    asked["experiments"] = tuple(asked.get("experiments", ()))
    return replace(request, **asked, stamp=manifest.stamp, final=False)


def _refuse_other_files(pdf: Path) -> None:
    """Nothing; InputError where there is no such file, or it is no PDF."""
    if not pdf.is_file():
        raise InputError(f"{pdf}: there is no such file. Type `paperkit build-pdf` to make one.")
    with pdf.open("rb") as opened:
        if opened.read(5) != b"%PDF-":
            raise InputError(f"{pdf}: not a PDF. Name the paper, such as paper/build/paper.pdf.")
    if shutil.which("pdftotext") is not None and pdf_text(pdf) is None:
        raise InputError(f"{pdf}: cannot be read: it is damaged, or was cut off. Fetch it again.")


def _file(pdf: Path, manifest: Manifest, place: Path) -> Check:
    """Whether the PDF, and the manifest itself, are as they were sealed."""
    own = Inputs(manifest.inputs)
    if own.digest != manifest.digest or own.digests != manifest.digests:
        return Check("file", Verdict.DIFFERS, f"{place} was changed: it does not add up to its own digest")
    found = sha256_file(pdf)
    if found != manifest.pdf_sha256:
        told = f"this is not the file that was sealed: SHA-256 {found[:DIGITS]}…, sealed "
        return Check("file", Verdict.DIFFERS, f"{told}{manifest.pdf_sha256[:DIGITS]}… ({place})")
    return Check("file", Verdict.OK, f"the file that was sealed (SHA-256 {found[:DIGITS]}…)")


def _inputs(manifest: Manifest, asked: Request, root: Path) -> Check:
    """Whether what a build reads today is what the sealed one read; every file is read for it."""
    try:
        today = inputs_of(asked, root, remember=False)
    except InputError as error:
        return Check("inputs", Verdict.UNKNOWN, "the study cannot be planned", error.problems)
    changed = today.changed_since(manifest.inputs)
    sealed = f"the seal {manifest.seal}"
    hint = elsewhere(manifest.inputs, today.classes, asked.runs or Path("experiments/runs"))
    if hint and "paper" not in changed:  # the experiment asks for the same runs, which are not there
        return Check("inputs", Verdict.DIFFERS, hint)
    if not changed:
        return Check("inputs", Verdict.OK, f"today's are those of {sealed}")
    labels = run_labels(load_plans(experiment_files(root, asked.experiments), weights=weights_folders(root)))
    details = tuple(_named(manifest.inputs, today.classes, changed, labels))
    names = ", ".join(changed)
    return Check("inputs", Verdict.DIFFERS, f"changed since {sealed}: {names}", details)


def _named(
    then: Mapping[str, Mapping[str, str]],
    now: Mapping[str, Mapping[str, str]],
    changed: Mapping[str, Sequence[str]],
    labels: Mapping[str, str],
) -> Iterator[str]:
    """One line a class: what it is, and what in it changed."""
    for name, entries in changed.items():
        told = []
        for entry in entries[:MOST]:
            was, became = then.get(name, {}).get(entry), now.get(name, {}).get(entry)
            how = "new" if was is None else "gone" if became is None else "other"
            if name in VALUES:
                how = f"{was or 'none'} → {became or 'none'}"
            run = labels.get(entry.split("/")[1], "") if entry.startswith("runs/") else ""
            told.append(f"{entry} ({how}{f', {run}' if run else ''})")
        more = f" and {len(entries) - MOST} more" if len(entries) > MOST else ""
        yield f"{name}, {CLASSES.get(name, 'of another version')}: {', '.join(told)}{more}"


def _printed(pdf: Path, request: Request, root: Path) -> Check:
    """Whether the seal that the PDF prints is that of today's inputs."""
    text = _whole_text(pdf)
    if text is None:
        return Check("inputs", Verdict.UNKNOWN, "pdftotext is missing or cannot read the file")
    printed = re.findall(rf"\b[0-9a-f]{{{DIGITS}}}\b", text)
    today = seal(inputs_of(request, root, remember=False))
    if today in printed:
        return Check("inputs", Verdict.OK, f"it prints the seal of today's inputs, {today}")
    if not printed:
        return Check("inputs", Verdict.UNKNOWN, "it prints no seal")
    return Check("inputs", Verdict.DIFFERS, f"it prints {printed[-1]}, today's seal is {today}")


def _rebuilt(
    pdf: Path, place: Path | None, asked: Request, root: Path, fingerprint: Fingerprint
) -> list[Check]:
    """The checks of a build in a temporary folder against the paper."""
    tex = shutil.which("latexmk") is not None and shutil.which("pdflatex") is not None
    with tempfile.TemporaryDirectory(prefix="paperkit-verify-") as name:
        request = replace(asked, out=Path(name) / "build", compile=tex)
        try:
            report = build_paper(request, root, fingerprint)
        except InputError as error:
            return [Check("rebuild", Verdict.DIFFERS, "it does not build any more", error.problems[:MOST])]
        manifest = read_manifest(place) if place else None
        checks = [_numbers(place.parent if place else None, manifest, report.folder)]
        if report.pdf is None:
            return [*checks, Check("words", Verdict.UNKNOWN, "TeX is missing: `paperkit doctor` says more")]
        drawn = _bytes(pdf, report.pdf, manifest) if manifest else drawings(pdf, report.pdf)
        return [*checks, _words(pdf, report.pdf), drawn]


def _numbers(folder: Path | None, manifest: Manifest | None, rebuilt: Path) -> Check:
    """Whether every printed fact comes out as it was."""
    if folder is None or manifest is None or FACTS not in manifest.files:
        return Check("numbers", Verdict.UNKNOWN, f"there is no {FACTS} to compare with")
    now = load_build(rebuilt)
    if sha256_file(rebuilt / FACTS) == manifest.files[FACTS]:
        return Check("numbers", Verdict.OK, f"all {len(now.facts)} come out as printed")
    kept = {name: folder / name for name in (FACTS, RUNS) if name in manifest.files}
    if any(not path.is_file() or sha256_file(path) != manifest.files[name] for name, path in kept.items()):
        told = f"they come out otherwise; the {FACTS} that was sealed is not at hand to say which"
        return Check("numbers", Verdict.DIFFERS, told)
    found = differences(load_build(folder), now)
    if not found:
        return Check("numbers", Verdict.OK, f"all {len(now.facts)} come out as printed")
    lines = [f"{each.fact}: {each.old} → {each.new} ({'; '.join(each.why)})" for each in found]
    return Check("numbers", Verdict.DIFFERS, f"{len(found)} come out otherwise", _first(lines))


def _words(pdf: Path, rebuilt: Path) -> Check:
    """Whether the two PDFs say the same, word by word."""
    texts = [pdf_text(file) for file in (pdf, rebuilt)]
    if texts[0] is None or texts[1] is None:
        return Check("words", Verdict.UNKNOWN, "pdftotext is missing or cannot read the file")
    old, new = texts[0].split(), texts[1].split()
    if old == new:
        return Check("words", Verdict.OK, f"all {len(new)} are the same")
    found = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            before, after = " ".join(old[max(0, a - AROUND) : a]), " ".join(old[b : b + AROUND])
            found.append(f"… {before} [{' '.join(old[a:b])} → {' '.join(new[c:d])}] {after} …")
    return Check("words", Verdict.DIFFERS, f"{len(found)} places read otherwise", _first(found))


def drawings(pdf: Path, rebuilt: Path) -> Check:
    """Whether each page of two PDFs is drawn alike: for a paper that no manifest vouches for."""
    from paper_kit.render.drawn import page_digests

    one, other = page_digests(pdf), page_digests(rebuilt)
    if one == other:
        return Check("drawings", Verdict.OK, f"all {len(one)} pages are drawn alike")
    if len(one) != len(other):
        return Check("drawings", Verdict.DIFFERS, f"{len(one)} pages, rebuilt {len(other)}")
    pages = [page for page, pair in enumerate(zip(one, other, strict=True), start=1) if pair[0] != pair[1]]
    what = "page is" if len(pages) == 1 else "pages are"
    told = f"{len(pages)} {what} drawn otherwise: {', '.join(_first(pages))}"
    return Check("drawings", Verdict.DIFFERS, f"{told} (a {MANIFEST} would tell whether by another TeX)")


def _bytes(pdf: Path, rebuilt: Path, manifest: Manifest) -> Check:
    """Whether the rebuilt PDF is the same file; only where TeX is the same."""
    here = tex_version()
    if manifest.tex != here:
        there = manifest.tex or "an unknown TeX"
        return Check("bytes", Verdict.UNKNOWN, f"made by {there}, here is {here}")
    if sha256_file(pdf) == sha256_file(rebuilt):
        return Check("bytes", Verdict.OK, "the rebuilt PDF is the same file")
    names = [
        name
        for name, digest in manifest.files.items()
        if not (rebuilt.parent / name).is_file() or sha256_file(rebuilt.parent / name) != digest
    ]
    return Check("bytes", Verdict.DIFFERS, "the rebuilt PDF is another file", _first(names))


def _first(lines: Sequence[Any]) -> tuple[str, ...]:
    more = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return (*map(str, lines[:MOST]), *more)
