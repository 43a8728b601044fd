"""A study whose every name is hostile, through the shipped templates to the PDF: printed as it is typed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from paper_kit.analysis.results import Results, collect
from paper_kit.core.experiment import Experiment
from paper_kit.core.paper import Author, Paper
from paper_kit.core.plan import plan
from paper_kit.core.store import Store
from paper_kit.render.compile import compile_tex
from paper_kit.render.folder import page_files, write
from paper_kit.render.manuscript import Manuscript, load_manuscript, typeset
from paper_kit.render.material import material
from paper_kit.render.seal import Stamp, pdf_text, stamped
from paper_kit.render.venue import load_venue
from tests.analysis.fabricated import cost, experiment, write_run
from tests.render.small import TEMPLATES

SECRET = "S3CRETWORD"
CLASSES = (
    r"\input{@/secret}", r"\write18{touch taken}", "^^5cjobname", "50% & #1 _x_ $y$ ~", "{[(open",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631", "\U0001f600 joy",
)  # fmt: skip
MODELS = (r"\jobname^^5cx", r"Net_{1} & 100%", "Ångström’s “Net”")
ABLATIONS = (
    "w/o \\input{@/secret}",
    "w/o $mix_up$ #2",
    "w/o 5% {focal",
    "w/o \U0001f600 " + "very long " * 12,
)
PAPER = {
    "title": r"Faces \input{@/secret} at 50% & $x_1$ ^^5cjobname #3 {open",
    "keywords": (r"\write18{touch taken}", "a_b", "50%"),
    "acknowledgements": r"Thanks to \input{@/secret} & ^^5cjobname, 100% #4 {too.",
    "code_url": "https://example.org/a_b%20c#d~e&f",
}
AUTHOR = {
    "name": r"Zoë \jobname O'Neil_%",
    "affiliation": r"\input{@/secret} & Søn #5",
    "place": "{Nowhere^^5c",
    "email": "a_b%c@example.org",
}


def hostile(text: str, outside: Path) -> str:
    return text.replace("@/", f"{outside}/")


def hostile_study(folder: Path, outside: Path) -> Results:
    """The results of a study whose classes, models, ablations and dataset card are hostile."""
    told = experiment().model_dump(mode="json", by_alias=True)
    for entry, label in zip(told["model"], MODELS, strict=True):
        entry["label"] = hostile(label, outside)
    for entry, label in zip(told["ablation"], ABLATIONS, strict=True):
        entry["label"] = hostile(label, outside)
    study = plan(Experiment.model_validate(told))
    store, classes = Store(folder), tuple(hostile(name, outside) for name in CLASSES)
    for spec in study.runs:
        write_run(store, spec, images=140, classes=classes)
    for place, entry in enumerate(study.experiment.model):
        spec = next(row.reading.run for row in study.rows if row.model_key == entry.key)
        store.write_cost(cost(spec, place, len(classes)))
    return collect((study,), store)


def hostile_words(outside: Path) -> Manuscript:
    """The shipped templates with a hostile paper.toml."""
    told = {
        name: hostile(value, outside)
        if isinstance(value, str)
        else [hostile(each, outside) for each in value]
        for name, value in PAPER.items()
    }
    author = Author(**{name: hostile(value, outside) for name, value in AUTHOR.items()})
    return load_manuscript(TEMPLATES, Paper.model_validate({**told, "authors": [author]}))


def plain(text: str) -> str:
    """The letters, digits and signs of a text without spaces, ligatures or the hyphens of broken lines."""
    signs = {"\ufb01": "fi", "\ufb02": "fl", "’": "'", "‘": "'", "“": '"', "”": '"'}
    return re.sub(r"[\s\u00ad\u2010-]", "", text.translate(str.maketrans(signs)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")  # no font of a figure has every script
@pytest.mark.tex
@pytest.mark.skipif(
    shutil.which("latexmk") is None or shutil.which("pdftotext") is None,
    reason="needs TeX, poppler: make tex",
)
@pytest.mark.parametrize("key", ["ieeetran", "article"])
def test_a_study_of_hostile_names_is_printed_as_it_is_typed_and_nothing_is_read_or_run(
    key: str, tmp_path: Path
) -> None:
    outside = tmp_path / "o"
    outside.mkdir()
    (outside / "secret.tex").write_text(SECRET)
    results, venue = hostile_study(tmp_path / "runs", outside), load_venue(TEMPLATES, key)
    found = stamped(material(results, venue.figure_style()), Stamp("0" * 16))
    words = hostile_words(outside)
    made = typeset(words, found, venue)
    folder = tmp_path / "a b \u00fc"
    folder.mkdir()
    write(page_files(made, words, venue), folder)
    done = compile_tex(folder, made.lines)
    read = str(pdf_text(done.pdf))
    assert SECRET not in read
    assert not list(folder.rglob("taken*"))
    shown = plain(read)
    lost = [text for text in printed(outside) if plain(text) not in shown]
    assert not lost, read[:3000]


def printed(outside: Path) -> list[str]:
    """What must stand in the PDF, letter by letter; of what has no glyph nothing is asked."""
    texts = [*MODELS, PAPER["title"], AUTHOR["name"], AUTHOR["affiliation"], *CLASSES[1:5], *ABLATIONS[1:3]]
    return [hostile(str(text), outside) for text in texts]
