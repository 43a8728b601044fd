"""A paper with its changes marked: two builds compared by latexdiff, and compiled."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from paper_kit.core.errors import InputError
from paper_kit.core.files import write_bytes
from paper_kit.render.compile import AUXILIARY, JOB, compile_tex
from paper_kit.render.editions import edition_tex
from paper_kit.render.source_map import SourceMap

BEFORE, AFTER = "before.tex", "after.tex"
# What is left unmarked, from nothing to all but the prose, until TeX can set it.
_PICTURES = "(?:picture|tikzpicture|DIFnomarkup|pspicture|lstlisting|verbatim"
ATTEMPTS = (
    ("", ["--math-markup=coarse"]),
    ("tables", ["--math-markup=coarse", "--config", rf"PICTUREENV={_PICTURES}|tabular)[\w\d*@]*"]),
    (
        "tables and formulas",
        ["--math-markup=off", "--config", rf"PICTUREENV={_PICTURES}|tabular|algorithm|algorithmic)[\w\d*@]*"],
    ),
)
INSTALL = "On Debian or Ubuntu type: sudo apt-get install latexdiff; it is part of TeX Live elsewhere."
_FACT = re.compile(r"\\pkfact\{\d+\}\{")
_TABLE = re.compile(r"\\pktable\{%?\n?")
_ENTRY = re.compile(r"^@\w+\{([^,\s]+),.*?^\}", re.MULTILINE | re.DOTALL)


def marked_pdf(before: Path, after: Path, to: Path) -> str:
    """What could not be marked ("" for nothing); `to` is the paper of the folder `after`, its changes marked.

    Additions are blue and underlined, what went is red and struck out. InputError where latexdiff is missing,
    a folder holds no paper, or the marked paper cannot be set.
    """
    if shutil.which("latexdiff") is None:
        raise InputError(f"There is no latexdiff. {INSTALL}")
    for folder in (before, after):
        if not (folder / f"{JOB}.tex").is_file():
            raise InputError(f"{folder}: holds no paper. Type `paperkit render` to write one there.")
    with tempfile.TemporaryDirectory(prefix="paperkit-marked-") as name:
        folder = Path(name) / "paper"
        _gather(before, after, folder)
        problems: list[str] = []
        for unmarked, options in ATTEMPTS:
            (folder / f"{JOB}.tex").write_text(_compared(folder, options), encoding="utf-8")
            shutil.rmtree(folder / AUXILIARY, ignore_errors=True)
            try:
                write_bytes(to, compile_tex(folder, SourceMap(())).pdf.read_bytes())
            except InputError as error:
                problems = problems or list(error.problems)
                continue
            return unmarked
    raise InputError(["latexdiff's document cannot be set; `paperkit diff` lists the numbers.", *problems])


def _gather(before: Path, after: Path, folder: Path) -> None:
    """Nothing; the folder has all that either paper reads, its own where both have it, and the two texts."""
    ignored = shutil.ignore_patterns(AUXILIARY, f"{JOB}.pdf")
    for side in (before, after):
        shutil.copytree(side, folder, dirs_exist_ok=True, ignore=ignored)
    for side, name in ((before, BEFORE), (after, AFTER)):
        text = (side / f"{JOB}.tex").read_text(encoding="utf-8")
        (folder / name).write_text(unlinked(text), encoding="utf-8")
    text = (folder / AFTER).read_text(encoding="utf-8")
    write_bytes(folder / "edition.tex", edition_tex("camera-ready", text))  # marks would tear links
    for bibliography in before.glob("*.bib"):
        kept = folder / bibliography.name
        text = kept.read_text(encoding="utf-8")
        known = set(_ENTRY.findall(text))
        old = bibliography.read_text(encoding="utf-8")
        gone = [entry[0] for entry in _ENTRY.finditer(old) if entry[1] not in known]
        kept.write_text("\n\n".join([text, *gone]) + "\n", encoding="utf-8")


def unlinked(tex: str) -> str:
    r"""The text without \pkfact around its numbers, and with tables open to marks."""
    tex = _opened(tex, _FACT, "{", "}")
    found = _TABLE.search(tex)
    while found:  # \pktable{tabular}{notes} -> the tabular, shrunk to the line, and its notes
        middle = _closing(tex, found.end())
        end = _closing(tex, middle + 2) if tex[middle + 1 : middle + 2] == "{" else middle
        inner, notes = tex[found.end() : middle], tex[middle + 2 : end]
        below = f"\n\n{{\\footnotesize {notes}\\par}}" if notes.strip() else ""
        shown = f"\\begin{{adjustbox}}{{max width=\\linewidth}}\n{inner}\n\\end{{adjustbox}}{below}"
        tex = tex[: found.start()] + shown + tex[end + 1 :]
        found = _TABLE.search(tex, found.start() + len(shown))
    return tex.replace(r"\begin{document}", "\\usepackage{adjustbox}\n\\begin{document}", 1)


def _opened(tex: str, start: re.Pattern[str], before: str, after: str) -> str:
    """The text with each command whose argument begins where `start` ends replaced by that argument."""
    pieces, place = [], 0
    for found in start.finditer(tex):
        if found.start() < place:
            continue
        end = _closing(tex, found.end())
        pieces += [tex[place : found.start()], before, tex[found.end() : end], after]
        place = end + 1
    return "".join([*pieces, tex[place:]])


def _closing(tex: str, start: int) -> int:
    """Where the group that is open at `start` ends; the end of the text where it does not."""
    depth = 1
    for found in re.finditer(r"\\.|[{}]", tex[start:], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return start + found.start()
    return len(tex)


def _compared(folder: Path, options: list[str]) -> str:
    command = ["latexdiff", "--encoding=utf8", "--type=UNDERLINE", "--disable-citation-markup", *options]
    done = subprocess.run([*command, BEFORE, AFTER], cwd=folder, capture_output=True, check=False)
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise InputError(["latexdiff failed:", *last])
    return done.stdout.decode(errors="replace")
