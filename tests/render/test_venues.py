"""Venues as data: the shipped six from the committed example, and classes that a user drops in."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.paper import Paper
from paper_kit.render.build import build_paper
from paper_kit.render.check import Finding, check
from paper_kit.render.compile import compile_tex
from paper_kit.render.editions import Edition
from paper_kit.render.folder import page_files, write
from paper_kit.render.legible import legible
from paper_kit.render.manuscript import Manuscript, load_manuscript, typeset
from paper_kit.render.reading import read_inputs
from paper_kit.render.request import Request
from paper_kit.render.venue import load_venue
from tests.render.small import MATERIAL, SECTIONS, TEMPLATES

ROOT = TEMPLATES.parent
SIX = ("ieeetran", "ieeetran_journal", "acmart", "elsarticle", "llncs", "article")
WRONG = {
    "reference",
    "citation",
    "label",
    "overfull",
    "font",
    "text",
    "metadata",
    "alt text",
    "width",
    "blind",
    "brace",
}
# The example has more pages than these allow: LNCS its text alone, the IEEE's the text with the appendices.
TOO_LONG = {("llncs", "none"), ("llncs", "own"), ("ieeetran", "none"), ("ieeetran_journal", "none")}
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("latexmk", "pdflatex", "pdftotext", "pdftohtml")),
    reason="needs TeX, poppler: make tex",
)


def study(folder: Path) -> Path:
    """A study with the shipped templates and the committed FER2013 example's records."""
    for name in ("templates", "experiments", "paper"):
        skip = shutil.ignore_patterns("runs", "data", "build", "examples")
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    with zipfile.ZipFile(ROOT / "paper" / "examples" / "fer2013_small" / "records.zip") as records:
        records.extractall(folder / "experiments" / "runs")
    return folder


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study(tmp_path_factory.mktemp("study"))


def build(root: Path, venue: str, edition: Edition, supplement: str) -> tuple[Path, list[Finding]]:
    request = Request(
        venue=venue,
        experiments=("fer2013_small",),
        edition=edition,
        supplement=supplement,  # type: ignore[arg-type]
        out=root / "out" / f"{venue}-{edition}-{supplement}",
    )
    report = build_paper(request, root)
    assert report.pdf is not None
    return report.pdf, list(report.findings)


@pytest.mark.slow
@pytest.mark.parametrize("venue", SIX)
@pytest.mark.parametrize(
    ("edition", "supplement"), [("linked", "none"), ("blind", "none"), ("linked", "own"), ("blind", "own")]
)
def test_the_example_compiles_in_every_venue_normal_blind_and_with_a_supplement(
    example: Path, venue: str, edition: Edition, supplement: str
) -> None:
    pdf, findings = build(example, venue, edition, supplement)
    allowed = {"pages"} if (venue, supplement) in TOO_LONG else set()
    assert [str(each) for each in findings if each.kind not in allowed] == []
    assert (pdf.with_name("supplement.pdf")).is_file() == (supplement == "own")


@pytest.mark.slow
def test_a_venue_changes_nothing_in_the_prose(example: Path) -> None:
    made = {}
    for venue in SIX:
        inputs = read_inputs(Request(venue=venue, experiments=("fer2013_small",), supplement="none"), example)
        tex = inputs.typeset("camera-ready").tex
        body = tex[tex.index("\\section{") : tex.index("\\bibliographystyle")]
        body = re.sub(r"\\begin\{(tabular|figure|table)\*?\}.*?\\end\{\1\*?\}", "", body, flags=re.DOTALL)
        made[venue] = re.findall(r"[A-Za-z]+", re.sub(r"\\[A-Za-z]+|\{\d+\}", " ", body))
    assert all(each == made["ieeetran"] for each in made.values())
    assert len(made["ieeetran"]) > 2000


# What people drop in, small: each with the quirk that makes it different.
NEURIPS = r"""\NeedsTeXFormat{LaTeX2e}\ProvidesPackage{neurips_2026}
\newif\if@final \DeclareOption{final}{\@finaltrue}\DeclareOption{preprint}{\@finaltrue}\ProcessOptions\relax
\RequirePackage{natbib}\RequirePackage[letterpaper,textwidth=5.5in,textheight=9in]{geometry}
\renewenvironment{abstract}{\centerline{\large\bf Abstract}\begin{quote}}{\end{quote}}
\if@final\else\def\@maketitle{\begin{center}{\LARGE\bf\@title\par}\vskip1em
  Anonymous Author(s)\end{center}}\fi
"""
CVPR = r"""\ProvidesPackage{cvpr}
\newif\ifcvprfinal \newcommand\cvprfinalcopy{\global\cvprfinaltrue}
\RequirePackage[letterpaper,textwidth=6.875in,textheight=8.875in,columnsep=0.3125in]{geometry}
\AtBeginDocument{\ifcvprfinal\else\def\@author{Anonymous CVPR submission}\fi}
"""
MDPI = r"""\NeedsTeXFormat{LaTeX2e}\ProvidesClass{Definitions/mdpi}
\DeclareOption{accept}{}\DeclareOption*{\PassOptionsToClass{\CurrentOption}{article}}\ProcessOptions\relax
\LoadClass[10pt,a4paper]{article}\input{Definitions/journalnames}
\RequirePackage{geometry}\geometry{left=2.7cm,right=2.7cm}\RequirePackage{hyperref}\hypersetup{colorlinks=true}
"""
NATURE = r"""\NeedsTeXFormat{LaTeX2e}\ProvidesClass{sn-jnl}
\DeclareOption{sn-mathphys}{}\DeclareOption{iicol}{\PassOptionsToClass{twocolumn}{article}}\ProcessOptions\relax
\LoadClass{article}\RequirePackage{natbib,amsmath,amssymb,graphicx,booktabs,algorithm,algpseudocode,xcolor}
"""
DROPPED = {
    "neurips": (
        {"neurips_2026.sty": NEURIPS},
        'documentclass = "article"\nstyle = "neurips_2026"\nstyle_options = ["final"]\n'
        'bibliography_style = "plainnat"\npage_limit = 9\nlimit_counts = "before_references"\n'
        "[blind]\nstyle_options = []\n",
        (5.5, 5.5),
    ),
    "cvpr": (
        {"cvpr.sty": CVPR},
        'documentclass = "article"\nclass_options = ["10pt", "twocolumn", "letterpaper"]\nstyle = "cvpr"\n'
        'commands = "\\\\cvprfinalcopy"\ncolumns = 2\nbibliography_style = "ieeetr"\n'
        '[blind]\ncommands = ""\n',
        (3.281, 6.875),
    ),
    "mdpi": (
        {"Definitions/mdpi.cls": MDPI, "Definitions/journalnames.tex": "\\def\\journalname{AI}\n"},
        'documentclass = "Definitions/mdpi"\nclass_options = ["accept"]\nbibliography_style = "unsrt"\n',
        (6.142, 6.142),
    ),
    "nature": (
        {"sn-jnl.cls": NATURE},
        'documentclass = "sn-jnl"\nclass_options = ["sn-mathphys", "iicol"]\ncolumns = 2\n'
        'bibliography_style = "unsrtnat"\n',
        (0.0, 0.0),
    ),
}
PAGE = r"""\input{macros}
\BLOCK{include venue_preamble}
\begin{document}
\BLOCK{include venue_frontmatter}
\section{Results of \VAR{results.emotion_vit.accuracy}}\label{sec:a}
Section~\ref{sec:a} says \VAR{data.train} and cites \cite{he2016deep}.
\begin{table}[t]\caption{Table of \VAR{data.train}}\label{tab:a}\centering\VAR{table("classes")}\end{table}
\begin{figure}[t]\centering\VAR{figure("curves")}\caption{As \ref{tab:a}, \ref{fig:a}}
\label{fig:a}\end{figure}
\bibliographystyle{\VAR{bibliography_style}}
\bibliography{references}
\pkappendix
\section{More}
\end{document}
"""


def dropped(name: str, folder: Path) -> tuple[Path, Manuscript]:
    """A templates folder with the shipped shared parts and the venue of that name dropped in."""
    files, toml, _ = DROPPED[name]
    shutil.copytree(TEMPLATES / "venues" / "shared", folder / "venues" / "shared")
    for file in ("macros.tex", "references.bib"):
        shutil.copy(TEMPLATES / file, folder / file)
    for path, text in files.items():
        place = folder / "venues" / name / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    (folder / "venues" / name / "venue.toml").write_text(f'name = "{name}"\n{toml}')
    for path, text in {**SECTIONS, "manuscript.tex": PAGE}.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    return folder, load_manuscript(folder, Paper(title="Faces"))


@pytest.mark.slow
@pytest.mark.parametrize("name", DROPPED)
@pytest.mark.parametrize("edition", ["linked", "blind"])
def test_a_class_that_is_dropped_in_with_ten_lines_compiles(
    name: str, edition: Edition, tmp_path: Path
) -> None:
    folder, words = dropped(name, tmp_path / "templates")
    assert len((folder / "venues" / name / "venue.toml").read_text().splitlines()) <= 10
    venue = load_venue(folder, name)
    widths = DROPPED[name][2]
    assert widths == (0.0, 0.0) or (venue.column_in, venue.text_in) == pytest.approx(widths, abs=0.01)
    made = typeset(words, MATERIAL, venue, edition)
    write(page_files(made, words, venue), tmp_path / "build")
    done = compile_tex(tmp_path / "build", made.lines, timeout_s=60.0)
    found = [*check(done, made.lines, venue), *legible(done.pdf, made)]
    assert [str(each) for each in found if each.kind in WRONG] == []
    if name in ("neurips", "cvpr") and edition == "blind":
        text = subprocess.run(["pdftotext", done.pdf, "-"], capture_output=True, check=True).stdout
        assert b"Anonymous" in text


def test_a_class_that_does_not_compile_is_told_by_its_venue(tmp_path: Path) -> None:
    folder = tmp_path / "venues" / "mine"
    folder.mkdir(parents=True)
    (folder / "venue.toml").write_text('name = "M"\ndocumentclass = "mine"\n')
    (folder / "mine.cls").write_text("\\LoadClass{article}\\nonsense\n")
    with pytest.raises(InputError, match=r"Undefined control sequence.*Or give column_in"):
        load_venue(tmp_path, "mine")
