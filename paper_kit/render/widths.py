r"""\columnwidth and \textwidth of a class or style, measured by a run of TeX and remembered."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from paper_kit.core.errors import InputError
from paper_kit.core.files import read_json, write_json
from paper_kit.render.compile import INSTALL, cure, isolated

POINTS_PER_INCH = 72.27  # TeX's
_TOLD = re.compile(r"pkwidths ([\d.]+)pt ([\d.]+)pt")
TIMEOUT_S = 60.0


def measured(folder: Path, head: str, memory: Path) -> tuple[float, float]:
    r"""\columnwidth and \textwidth in inches of a document that begins with `head`; `folder` has its files.

    InputError tells what TeX says of the class. `memory` is a JSON file of what was measured before.
    """
    seen = hashlib.sha256(head.encode())
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        seen.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    known = read_json(memory) if memory.is_file() else {}
    name = seen.hexdigest()[:16]
    if name not in known:
        known[name] = _measure(folder, head)
        write_json(memory, known)
    column, text = known[name]
    return column, text


def _measure(folder: Path, head: str) -> list[float]:
    source = (
        f"{head}\n\\begin{{document}}x\\typeout{{pkwidths \\the\\columnwidth\\space\\the\\textwidth}}"
        "\\end{document}\n"
    )
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        shutil.copytree(folder, work, dirs_exist_ok=True)
        (work / "widths.tex").write_text(source, encoding="utf-8")
        ended, said = _pdflatex(work)
    found = _TOLD.search(said)
    if found is None or ended:
        errors = [row for row in said.splitlines() if re.match(r"!|\S+:\d+: ", row)][:3] or [said[-300:]]
        told = " ".join([*errors, cure(" ".join(errors))]).strip()
        raise InputError(
            f"{folder / 'venue.toml'}: the widths of its columns could not be measured: {told} Or give "
            "column_in and text_in (inches)."
        )
    return [round(float(found[number]) / POINTS_PER_INCH, 3) for number in (1, 2)]


def _pdflatex(work: Path) -> tuple[int, str]:
    """The exit code of TeX and what it says of widths.tex in that folder, which is all that it may read."""
    if shutil.which("pdflatex") is None:
        raise InputError(f"TeX is missing: there is no pdflatex. {INSTALL}")
    command = ["pdflatex", "-interaction=nonstopmode", "-file-line-error", "-no-shell-escape", "widths.tex"]
    try:
        done = subprocess.run(
            command,
            cwd=work,
            env=dict(isolated(work)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return 1, f"! it did not finish within {TIMEOUT_S:.0f} s"
    return done.returncode, done.stdout.decode(errors="replace")
