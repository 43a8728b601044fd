"""TeX to PDF: latexmk in an isolated folder, its errors told by the template's line."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paper_kit.core.errors import InputError
from paper_kit.core.files import write_bytes
from paper_kit.render.source_map import SourceMap

JOB = "paper"
AUXILIARY = "tex"  # TeX's own files go here, so that the folder above can be read and packed
TIMEOUT_S = 300.0
EPOCH = "315532800"  # 1 January 1980, the oldest date a zip file can hold
NEEDED = (  # all that TeX is told of the environment: it can read the rest, and people search files by it
    "PATH", "PATHEXT", "SYSTEMROOT", "WINDIR", "COMSPEC", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL",
    "LC_CTYPE", "TZ",
)  # fmt: skip
MOST_ERRORS = 5  # what follows is mostly a consequence of these
INSTALL = (
    "On Debian or Ubuntu type: sudo apt-get install --no-install-recommends latexmk texlive-latex-extra "
    "texlive-latex-recommended texlive-fonts-recommended texlive-publishers texlive-science "
    "texlive-bibtex-extra texlive-plain-generic cm-super poppler-utils. "
    "On macOS: brew install --cask mactex-no-gui && brew install poppler."
)
_ERROR = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+): (?P<message>.*)$|^! (?P<fatal>.*)$")
# After another error these are still mistakes of their own; most else follows from what went wrong before.
OWN_MISTAKES = ("Undefined control sequence", "not found", "undefined", "Misplaced alignment tab")
# (what TeX says, what is mostly meant)
CURES = (
    (
        r"Undefined control sequence.*\\pk|Command \\pk\w+ undefined",
        r"Let manuscript.tex begin with \input{macros}, and keep templates/macros.tex.",
    ),
    (
        r"Command \\pk\w+ already defined",
        r"The paper reads itself: remove \input{paper}, or a second \input{macros}.",
    ),
    (
        r"Undefined control sequence",
        "Check the spelling, or load the package that defines it in the venue's preamble.tex.",
    ),
    (r"File `[^']+\.(sty|cls|bst|def)' not found", f"Install the package that has it. {INSTALL}"),
    (r"File `[^']+' not found", "Put the file into templates/ or correct its name; nothing outside is read."),
    (r"Unicode character", "pdfLaTeX has no glyph for this sign; write it as a TeX command."),
    (r"Missing \$ inserted", r"A _ or ^ stands outside of math: write \_ or $x_1$."),
    (r"Misplaced alignment tab", r"An & stands outside of a table: write \&."),
    (r"Extra alignment tab", r"The row has more cells than the table has columns."),
    (r"Illegal parameter number|You can't use `macro parameter", r"A # stands in the text: write \#."),
    (r"Paragraph ended before|File ended while|Runaway", "A closing brace } is missing before this line."),
    (r"Too many \}'s|Extra \}", "There is a closing brace } without its opening one."),
    (
        r"Environment \S+ undefined",
        "Check its spelling, or load the package that defines it in preamble.tex.",
    ),
    (
        r"\\begin\{(\S+)\}.* ended by \\end",
        "Close environments in the reverse order in which they were opened.",
    ),
    (
        r"no legal \\end found|Emergency stop",
        r"TeX met the end of the file inside a group: look for a missing } or \end{...}.",
    ),
    (r"Can be used only in preamble", "Move it into the venue's preamble.tex."),
    (r"There's no line here to end", r"Remove the \\ after an empty line."),
    (r"Not in outer par mode|Float\(s\) lost", "A figure or table stands inside another box; move it out."),
    (r"Missing number|Illegal unit", r"A length is expected here, such as 3pt or 0.5\linewidth."),
    (r"Something's wrong--perhaps a missing \\item", r"A list has text before its first \item."),
    (r"TeX capacity exceeded", "A macro calls itself without end, or a group is never closed."),
    (r"openout_any|openin_any|not writable", "TeX may read and write inside the build folder only."),
)


@dataclass(frozen=True)
class Compiled:
    """The PDF and TeX's log."""

    pdf: Path
    log: str


def compile_tex(folder: Path, lines: SourceMap, *, timeout_s: float = TIMEOUT_S) -> Compiled:
    """The PDF of `folder`/paper.tex; InputError tells TeX's errors by template line.

    After an error the last good PDF is still there.
    """
    missing = [tool for tool in ("latexmk", "pdflatex", "bibtex") if shutil.which(tool) is None]
    if missing:
        raise InputError(f"TeX is missing: there is no {', '.join(missing)}. {INSTALL}")
    _refuse_unfinished(folder, lines)
    returned, said = _latexmk(folder, timeout_s)
    log_file = folder / AUXILIARY / f"{JOB}.log"
    log = log_file.read_text(encoding="utf-8", errors="replace") if log_file.is_file() else ""
    made = folder / AUXILIARY / f"{JOB}.pdf"
    pdf = folder / f"{JOB}.pdf"
    if returned != 0 or not made.is_file():
        (folder / AUXILIARY / f"{JOB}.fdb_latexmk").unlink(
            missing_ok=True
        )  # so that the next call tries again
        kept = [f"The last good PDF is still {pdf}."] if pdf.is_file() else []
        long = _long_line(folder, lines) if "Unable to read an entire line" in log + said else []
        told = long or tex_errors(log, lines) or _bibtex_errors(folder) or [_ending(said, log_file)]
        raise InputError([*told, *kept])
    if told := read_outside(folder, lines):
        made.unlink()
        raise InputError(told)
    _forget_place(folder / AUXILIARY / f"{JOB}.fls")
    data = made.read_bytes()
    if not pdf.is_file() or pdf.read_bytes() != data:
        write_bytes(pdf, data)
    return Compiled(pdf, log)


def _refuse_unfinished(folder: Path, lines: SourceMap) -> None:
    """Nothing; InputError where the document has no beginning or no end, which TeX tells by no line."""
    rows = (folder / f"{JOB}.tex").read_text(encoding="utf-8", errors="replace").splitlines()
    last = lines.place(len(rows))
    if not any(row.strip() for row in rows):
        raise InputError(
            f"{last.file}: is empty. Type `paperkit init` in an empty folder to see a whole one."
        )
    for command in (r"\begin{document}", r"\end{document}"):
        if not any(command in row for row in rows):
            raise InputError(f"{last}: there is no {command}; put it into {last.file}.")


def _long_line(folder: Path, lines: SourceMap) -> list[str]:
    """The longest line, which was too long for TeX."""
    rows = (folder / f"{JOB}.tex").read_text(encoding="utf-8", errors="replace").splitlines()
    number = max(range(len(rows)), key=lambda each: len(rows[each]))
    told = f"this line has {len(rows[number]):,} letters, more than TeX reads in one; break it."
    return [f"{lines.place(number + 1)}: {told}"]


def read_outside(folder: Path, lines: SourceMap) -> list[str]:
    """What TeX read outside of the folder and of its own trees, each by the template's line.

    pdfTeX keeps \\pdfobj's files out of openin_any; its recorder does not.
    """
    record = folder / AUXILIARY / f"{JOB}.fls"
    if not record.is_file():
        return []
    rows = record.read_text(encoding="utf-8", errors="replace").splitlines()
    names = dict.fromkeys(row.removeprefix("INPUT ") for row in rows if row.startswith("INPUT "))
    found = {name: (folder / name).resolve() for name in names if not name.endswith("/texmf.cnf")}
    strange = {name: path for name, path in found.items() if not path.is_relative_to(folder.resolve())}
    trees = _trees() if strange else ()
    strange = {name: path for name, path in strange.items() if not any(map(path.is_relative_to, trees))}
    tex = (folder / f"{JOB}.tex").read_text(encoding="utf-8", errors="replace").splitlines()
    told = []
    for name in strange:
        line = next((number for number, row in enumerate(tex, start=1) if Path(name).name in row), 0)
        place = f"{lines.place(line)}: " if line else ""
        told.append(f"{place}TeX read {name}, but nothing outside of templates/ may be read; copy it there.")
    return told


def _forget_place(record: Path) -> None:
    """Nothing; TeX's list of files no longer tells in which folder of this machine it ran."""
    rows = record.read_bytes().splitlines(keepends=True) if record.is_file() else []
    if rows and rows[0].startswith(b"PWD "):
        record.write_bytes(b"".join(rows[1:]))


def _trees() -> tuple[Path, ...]:
    """The folders of TeX's own files; what lies there, anybody may read."""
    asked = ["kpsewhich", "-expand-path=$TEXMF"]
    done = subprocess.run(asked, env=dict(isolated(Path())), capture_output=True, check=False)
    places = done.stdout.decode(errors="replace").strip().split(os.pathsep)
    return tuple(Path(place).resolve() for place in places if place)


def tex_errors(log: str, lines: SourceMap) -> list[str]:
    """The errors of a log, each as "template:line: what TeX says. Likely cure.".

    After the first one, only those that are no consequence of another.
    """
    told: dict[str, None] = {}
    rows = log.splitlines()
    for number, row in enumerate(rows):
        found = _ERROR.match(row)
        if not found or "==> Fatal error" in row:
            continue
        message = (found["message"] or found["fatal"]).strip()
        if told and not any(kind in message for kind in OWN_MISTAKES):
            continue
        file, line = (found["file"], found["line"]) if found["file"] else _stopped(rows, number)
        place = _place(file, int(line), lines)
        near = _near(rows, number)
        told[f"{place}: {message}{near} {cure(message + near)}".rstrip()] = None
    return list(told)[:MOST_ERRORS]


def cure(message: str) -> str:
    """What most likely helps against a message of TeX's; empty where that is not known."""
    return next((text for pattern, text in CURES if re.search(pattern, message)), "")


def _place(file: str, line: int, lines: SourceMap) -> str:
    name = file.removeprefix("./")
    if name == f"{JOB}.tex":
        return str(lines.place(line))
    return f"templates/{name}:{line}" if name == "macros.tex" else f"{Path(name).name}:{line}"


def _stopped(rows: list[str], number: int) -> tuple[str, str]:
    """File and line at which TeX stopped after an error that names neither."""
    for row in rows[number + 1 : number + 20]:
        found = _ERROR.match(row)
        if found and found["file"]:
            return found["file"], found["line"]
        context = re.match(r"l\.(\d+) ", row)
        if context:
            return f"{JOB}.tex", context[1]
    return f"{JOB}.log", "0"


def _near(rows: list[str], number: int) -> str:
    r"""What TeX had read when it stopped, from the log's "l.12 …" line, such as " (at \foo)"."""
    for row in rows[number + 1 : number + 12]:
        found = re.match(r"l\.\d+ (.*)", row)
        if found:
            text = found[1].strip().removeprefix("...")[-60:]
            return f" (at {text})" if text else ""
        if _ERROR.match(row):
            break
    return ""


def _bibtex_errors(folder: Path) -> list[str]:
    """BibTeX's complaints about the references or their style."""
    blg = folder / AUXILIARY / f"{JOB}.blg"
    rows = blg.read_text(encoding="utf-8", errors="replace").splitlines() if blg.is_file() else []
    complaints = ("I couldn't open", "I was expecting", "Repeated entry", "---line", "I found no", "Illegal")
    return [
        f"references.bib (BibTeX): {row}" for row in rows if row.startswith(complaints) or "---line" in row
    ][:MOST_ERRORS]


def _ending(said: str, log_file: Path) -> str:
    if log_file.is_file() and "No pages of output" in log_file.read_text(encoding="utf-8", errors="replace"):
        return (
            "The manuscript prints nothing: there is no text between \\begin{document} and \\end{document}."
        )
    last = " ".join(said.split())[-300:]
    return f"LaTeX failed without naming an error; its log is {log_file}. Its last words: {last}"


def _latexmk(folder: Path, timeout_s: float) -> tuple[int, str]:
    """latexmk's exit code and words; nothing that TeX starts outlives the time limit."""
    (folder / AUXILIARY).mkdir(parents=True, exist_ok=True)
    options = ["-interaction=nonstopmode", "-file-line-error", "-no-shell-escape"]
    command = ["latexmk", "-norc", "-pdf", f"-outdir={AUXILIARY}", *(f"-latexoption={o}" for o in options)]
    with subprocess.Popen(
        [*command, f"{JOB}.tex"],
        cwd=folder,
        env=dict(isolated(folder / AUXILIARY)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise InputError(
                f"LaTeX did not finish within {timeout_s:.0f} s: a macro may call itself without end. "
                f"Its log is {folder / AUXILIARY / f'{JOB}.log'}."
            ) from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, said.decode(errors="replace")


def isolated(aux: Path) -> Iterator[tuple[str, str]]:
    """The little of this process's environment that TeX needs, its doors shut, its home empty."""
    for name, value in os.environ.items():
        if name.upper() in NEEDED:
            yield name, value
    home = str((aux / "home").resolve())
    yield from {
        **dict.fromkeys(("HOME", "USERPROFILE", "TEXMFHOME", "TEXMFVAR", "TEXMFCONFIG"), home),
        "openin_any": "p",
        "openout_any": "p",
        "shell_escape": "f",
        "max_print_line": "1000",
        "error_line": "254",
        "half_error_line": "238",
        "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", EPOCH),
        "FORCE_SOURCE_DATE": "1",
    }.items()
