"""The paper as arXiv takes it: flat, with its references set, compiled alone before it is called done."""

from __future__ import annotations

import gzip
import io
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from paper_kit.core.errors import InputError
from paper_kit.core.files import write_bytes
from paper_kit.render.compile import AUXILIARY, EPOCH, JOB, TIMEOUT_S, compile_tex, tex_errors
from paper_kit.render.exports.flatten import flat, without_comments
from paper_kit.render.folder import page_files, write
from paper_kit.render.manuscript import Manuscript, Typeset
from paper_kit.render.source_map import SourceMap
from paper_kit.render.venue import Venue

MOST_BYTES = 50_000_000  # arXiv's limit, unpacked and packed
MOST_ROUNDS = 5  # of pdflatex, as arXiv runs it
FIRST = "\\pdfoutput=1\n"  # arXiv looks for it in the first five lines
ANCILLARY = re.compile(r"facts\.json|claims\.json|tables/[^/]+\.csv")
_NAME = re.compile(r"[A-Za-z0-9_+.,=/-]+")  # what arXiv allows in the name of a file
_AGAIN = re.compile(r"Rerun to get|Label\(s\) may have changed|No file \S+\.(aux|out)")
_UNKNOWN = re.compile(r"Warning: (?:Citation|Reference) [`'](?P<name>[^']+)'[^\n]*undefined")
_APPENDIX = re.compile(r"^\\pk(?:appendix\b|supplement\{)", re.MULTILINE)


@dataclass(frozen=True)
class Submission:
    """The files of a submission, and as the archive that is uploaded."""

    files: Mapping[str, bytes]

    @property
    def archive(self) -> bytes:
        """The files as .tar.gz; equal files give equal bytes."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, data in sorted(self.files.items()):
                info = tarfile.TarInfo(name)
                info.size, info.mtime, info.mode = len(data), int(EPOCH), 0o644
                tar.addfile(info, io.BytesIO(data))
        return gzip.compress(packed.getvalue(), mtime=0)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.files.values()))


def export_arxiv(
    made: Typeset, manuscript: Manuscript, venue: Venue, to: Path, *, appendix: bool = True
) -> Submission:
    """The submission, written to `to` as .tar.gz after pdflatex alone has made the same paper of it.

    InputError where TeX fails, where a word differs from the build's PDF, or where arXiv would refuse a
    file; there is no archive then.
    """
    to.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="paperkit-arxiv-") as name:
        folder = Path(name)
        built, files = _built(made, manuscript, venue, folder / "build", appendix=appendix)
        found = Submission(submission_files(files, folder / "build" / AUXILIARY))
        _acceptable(found)
        refuse_another(compiled_alone(found.archive, folder / "alone"), built)
    write_bytes(to, found.archive)
    return found


def submission_files(files: Mapping[str, bytes], auxiliary: Path) -> dict[str, bytes]:
    """What TeX read of the files of a build, flat and without comments, the references, and anc/."""
    read = _read_by_tex(auxiliary / f"{JOB}.fls")
    texts = {name: data.decode() for name, data in files.items() if name.endswith(".tex")}
    whole = texts.pop(f"{JOB}.tex")
    paper = FIRST + without_comments(flat(whole, texts))
    inlined = {name for name in texts if name in read and f"{{{name}}}" not in paper}
    found = {name: data for name, data in files.items() if name in read - inlined - {f"{JOB}.tex"}}
    found |= {name: without_comments(texts[name]).encode() for name in found if name in texts}
    found[f"{JOB}.tex"] = paper.encode()
    references = auxiliary / f"{JOB}.bbl"
    if references.is_file():
        found[f"{JOB}.bbl"] = without_comments(references.read_text(encoding="utf-8")).encode()
    return found | {f"anc/{name}": data for name, data in files.items() if ANCILLARY.fullmatch(name)}


def compiled_alone(archive: bytes, folder: Path) -> Path:
    """The PDF that pdflatex makes of an archive in an empty folder, an empty home, without bibtex.

    InputError tells TeX's errors, and references that are not resolved.
    """
    home = folder / "home"
    home.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder / "paper", filter="data")
    log = ""
    for _ in range(MOST_ROUNDS):
        log = _pdflatex(folder / "paper", home)
        if not _AGAIN.search(log):
            break
    problems = tex_errors(log, SourceMap(()))
    unknown = dict.fromkeys(found["name"] for found in _UNKNOWN.finditer(log))
    problems += [
        f"{name}: cited or referred to, but not in what is exported; do the appendices have it?"
        for name in unknown
    ]
    pdf = folder / "paper" / f"{JOB}.pdf"
    if problems or not pdf.is_file():
        raise InputError(["The submission does not compile alone:", *(problems or [log[-300:]])])
    return pdf


def refuse_another(pdf: Path, built: Path) -> None:
    """Nothing where two PDFs have the same words in one order; else InputError with what differs."""
    words, expected = _words(pdf), _words(built)
    if words == expected:
        return
    pairs = enumerate(zip(words, expected, strict=False))
    place = next((at for at, (one, two) in pairs if one != two), min(len(words), len(expected)))
    shown = [" ".join(each[max(place - 3, 0) : place + 4]) for each in (words, expected)]
    raise InputError(
        f'The submission reads "… {shown[0]} …" where the build reads "… {shown[1]} …". Print no text that '
        "depends on files beside the paper."
    )


def _built(
    made: Typeset, manuscript: Manuscript, venue: Venue, folder: Path, *, appendix: bool
) -> tuple[Path, dict[str, bytes]]:
    """The PDF of the paper as it is built, and the files that it was built from."""
    files = page_files(made, manuscript, venue)
    if not appendix:
        files[f"{JOB}.tex"] = _without_appendix(made.tex).encode()
    write(files, folder)
    return compile_tex(folder, made.lines).pdf, files


def _without_appendix(tex: str) -> str:
    found = _APPENDIX.search(tex)
    return f"{tex[: found.start()]}\\end{{document}}\n" if found else tex


def _read_by_tex(recorded: Path) -> set[str]:
    """Names of the files of the build folder that TeX has read."""
    rows = recorded.read_text(encoding="utf-8", errors="replace").splitlines()
    names = {row.removeprefix("INPUT ").removeprefix("./") for row in rows if row.startswith("INPUT ")}
    return {name for name in names if not name.startswith(("/", f"{AUXILIARY}/")) and name[-4:] != ".bib"}


def _acceptable(found: Submission) -> None:
    """Nothing; InputError lists what arXiv would refuse."""
    problems = [
        f"{name}: arXiv takes letters, digits and _ + - . , = in names of files only; rename it."
        for name in found.files
        if not _NAME.fullmatch(name) or any(part.startswith(".") for part in PurePosixPath(name).parts)
    ]
    if found.size > MOST_BYTES:
        largest = sorted(found.files, key=lambda name: -len(found.files[name]))[:3]
        told = ", ".join(f"{name} ({len(found.files[name]) / 1e6:.1f} MB)" for name in largest)
        problems.append(f"{found.size / 1e6:.1f} MB, and arXiv takes 50 MB. The largest are {told}.")
    if problems:
        raise InputError(problems)


def _pdflatex(folder: Path, home: Path) -> str:
    """The log of one round of pdflatex, which finds nothing of this machine's user."""
    homes = ("HOME", "TEXMFHOME", "TEXMFVAR", "TEXMFCONFIG")
    doors = {"openin_any": "p", "openout_any": "p", "shell_escape": "f", "max_print_line": "1000"}
    dates = {"SOURCE_DATE_EPOCH": EPOCH, "FORCE_SOURCE_DATE": "1"}
    path = {"PATH": os.environ.get("PATH", os.defpath)}
    command = ["pdflatex", "-interaction=nonstopmode", "-file-line-error", "-no-shell-escape", f"{JOB}.tex"]
    try:
        subprocess.run(
            command,
            cwd=folder,
            env={**path, **doors, **dates, **dict.fromkeys(homes, str(home))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"LaTeX did not finish the submission within {TIMEOUT_S:.0f} s.") from None
    log = folder / f"{JOB}.log"
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""


def _words(pdf: Path) -> list[str]:
    told = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, check=True)
    return told.stdout.decode(errors="replace").split()
