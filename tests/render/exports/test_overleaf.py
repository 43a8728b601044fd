"""A paper goes to Overleaf and its edited prose comes back."""

from __future__ import annotations

import random
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.render.exports.overleaf import Project, overleaf_project, write_project
from paper_kit.render.exports.overleaf_import import Import, bring_back
from paper_kit.render.exports.record import record_of
from paper_kit.render.exports.returned import find_record, read_project
from paper_kit.render.manuscript import Manuscript, load_manuscript, typeset
from paper_kit.render.venue import load_venue
from tests.render.small import MATERIAL, PAPER, TEMPLATES

MAIN = r"""\input{macros}
\BLOCK{include venue_preamble}
\begin{document}
\BLOCK{include venue_frontmatter}
\BLOCK{include "sections/one.tex"}
\BLOCK{if uses.tta}
\BLOCK{include "sections/two.tex"}
\BLOCK{endif}
\bibliographystyle{\VAR{bibliography_style}}
\bibliography{references}
\end{document}
"""
ONE = r"""\section{One}
% A remark for authors.
The data are \VAR{data.name}, and \VAR{counts.models.words} models see
\VAR{data.train} images of faces. \BLOCK{if uses.tta}Several views are read, \BLOCK{endif}as told below.
\BLOCK{if uses.tta}
Views are averaged for \VAR{results.emotion_vit.accuracy} in all.
\BLOCK{else}
One view is read.
\BLOCK{endif}
\BLOCK{for key in model_keys}
The model \VAR{key} is small.
\BLOCK{endfor}

The last paragraph is short.
"""
TWO = r"""\section{Two}
\begin{table}
  \caption{Recall of each class.}
  \VAR{table("classes")}
\end{table}
\begin{figure}
  \VAR{figure("curves")}
  \caption{The curves.}
\end{figure}
A gain of \VAR{results.emotion_vit.change} was seen with \VAR{"all" ~ " views"} at hand.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A templates folder with two sections."""
    templates = tmp_path / "templates"
    shutil.copytree(TEMPLATES / "venues", templates / "venues")
    for name in ("macros.tex", "references.bib"):
        shutil.copy(TEMPLATES / name, templates / name)
    texts = {"manuscript": MAIN, "sections/one": ONE, "sections/two": TWO}
    texts |= {"sections/title": "On faces", "sections/abstract": "Nothing.", "sections/keywords": "faces"}
    for name, text in texts.items():
        path = templates / f"{name}.tex"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return templates


def exported(templates: Path) -> Project:
    venue = load_venue(templates, "article")
    words: Manuscript = load_manuscript(templates, PAPER)
    return overleaf_project(typeset(words, MATERIAL, venue, "camera-ready"), words, venue)


def imported(templates: Path, project: Project, **changed: tuple[str, str]) -> Import:
    """What returns where `changed`, file (its / as __) -> (old, new), was edited."""
    files = dict(project.files)
    for name, (old, new) in changed.items():
        path = name.replace("__", "/")
        text = files[path].decode()
        assert old in text
        files[path] = text.replace(old, new, 1).encode()
    return bring_back(project.record, files, templates)


def one(templates: Path, old: str, new: str) -> Import:
    return imported(templates, exported(templates), **{"sections__one.tex": (old, new)})


def test_an_export_has_sections_as_files_and_every_number_in_place(folder: Path) -> None:
    files = exported(folder).files
    main = files["main.tex"].decode()
    assert "\\input{sections/one}\n\\input{sections/two}\n\\bibliographystyle{IEEEtran" in main
    assert "\\begin{abstract}\n\\input{sections/abstract}\n\\end{abstract}" in main
    text = files["sections/one.tex"].decode()
    assert "\\pkfact{2}{three} models see\n\\pkfact{3}{28,709} images" in text
    assert "\\input{tables/classes}\n" in files["sections/two.tex"].decode()
    assert "\\input{figures/curves}\n" in files["sections/two.tex"].decode()
    assert not any(b"\\VAR{" in files[name] for name in files if name.startswith("sections/"))
    assert {
        "figures/curves.pdf",
        "figures/curves.tex",
        "tables/classes.tex",
        "facts.json",
        "README.txt",
    } <= set(files)
    assert "edition.tex" not in files


def test_nothing_edited_brings_nothing_back(folder: Path) -> None:
    project = exported(folder)
    assert imported(folder, project) == Import({}, {}, {}, ())
    windows = {
        name: data.replace(b"\n", b" \r\n") if name.endswith(".tex") else data
        for name, data in project.files.items()
    }
    windows |= {name: project.files[name] for name in project.record.locked}
    assert bring_back(project.record, windows, folder).after == {}


def test_a_rewrapped_paragraph_with_one_new_word_changes_one_word_of_the_template(folder: Path) -> None:
    project = exported(folder)
    text = project.files["sections/one.tex"].decode()
    wrapped = re.sub(r"(?<=models see)\n", " ", text).replace(
        "as told below.\nViews", "as told\nbelow. Views"
    )
    found = bring_back(
        project.record,
        {**project.files, "sections/one.tex": wrapped.replace("faces", "people").encode()},
        folder,
    )
    assert found.after == {"sections/one.tex": ONE.replace("images of faces", "images of people")}


@pytest.mark.parametrize(
    ("old", "new", "template_old", "template_new"),
    [
        ("Views are averaged", "Views are summed up", "Views are averaged", "Views are summed up"),
        ("in all.\n", "in all. They agree.\n", "in all.\n", "in all. They agree.\n"),
        ("in all.\n", "in all.\nThey agree.\n", "in all.\n\\BLOCK{else}\nOne view is read.\n\\BLOCK{endif}\n",
         "in all.\n\\BLOCK{else}\nOne view is read.\n\\BLOCK{endif}\nThey agree.\n"),
        ("Several views are read, ", "", "Several views are read, ", ""),
        ("Several views are", "Many pictures are", "Several views are", "Many pictures are"),
        ("as told below.", "as told above.", "as told below.", "as told above."),
        ("\n\nThe last", "\n\nA new one.\nOf two lines.\n\nThe last",
         "\n\nThe last",
         "\n\nA new one.\nOf two lines.\n\nThe last"),
        ("paragraph is short.", "paragraph is short. It ends.", "is short.", "is short. It ends."),
        ("% A remark for authors.", "% Another remark.", "% A remark for authors.", "% Another remark."),
        ("\\section{One}", "\\section{The First}", "\\section{One}", "\\section{The First}"),
        ("The last paragraph is short.", "The last paragraph has \\pkfact{3}{28,709} words.",
         "is short.", "has \\VAR{data.train} words."),
        ("three} models see", "three} networks view", "models see", "networks view"),
    ],
)  # fmt: skip
def test_an_edit_lands_in_its_branch_and_line(
    folder: Path, old: str, new: str, template_old: str, template_new: str
) -> None:
    found = one(folder, old, new)
    assert found.refused == ()
    assert found.after["sections/one.tex"] == ONE.replace(template_old, template_new, 1)


def test_a_deleted_sentence_takes_its_number_along(folder: Path) -> None:
    text = exported(folder).files["sections/one.tex"].decode()
    sentence = re.search(r"Views are averaged.*\n", text)
    assert sentence is not None
    found = one(folder, sentence[0], "")
    assert found.refused == ()
    assert "averaged" not in found.after["sections/one.tex"]
    assert "\\BLOCK{if uses.tta}\n\\BLOCK{else}" in found.after["sections/one.tex"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{28,709}", "{30,000}", "data.train: 28,709 was changed to 30,000 in sections/one.tex:4; val"),
        ("\\pkfact{3}{28,709} images", "30 thousand images",
         "data.train: 28,709 was changed to \"30 thousand\""),
        ("three} models", "four} models", "counts.models: three was changed to four in sections/one.tex:3"),
        ("The last", "\\pkfact{3}{9} and the last", "data.train: 9 is not its value"),
        ("The last", "\\pkfact{99}{9} and the last", "there is no fact 99"),
        ("The last", "\\VAR{data.train}. The last", "are read in templates only"),
        ("resemotenet is small", "resemotenet is large", "prints this text 2 times"),
        ("The model resemotenet", "The model ResEmoteNet",
         r'"resemotenet" is printed by \VAR{key}; change it in the study, at templates/sections/one.tex:11'),
    ],
)  # fmt: skip
def test_what_is_not_prose_is_refused_by_name_and_other_edits_land(
    folder: Path, old: str, new: str, said: str
) -> None:
    project = exported(folder)
    text = project.files["sections/one.tex"].decode()
    assert old in text
    edited = text.replace(old, new, 1).replace("paragraph is short", "paragraph is brief")
    found = bring_back(project.record, {**project.files, "sections/one.tex": edited.encode()}, folder)
    assert len(found.refused) == 1
    assert said in found.refused[0]
    assert found.after == {"sections/one.tex": ONE.replace("paragraph is short", "paragraph is brief")}


def test_a_number_without_its_command_but_with_its_value_stays_what_it_was(folder: Path) -> None:
    found = one(folder, "\\pkfact{3}{28,709} images", "28,709 images")
    assert (found.after, found.refused) == ({}, ())


def test_an_edited_table_is_refused_with_the_values_that_differ(folder: Path) -> None:
    project = exported(folder)
    edited = project.files["tables/classes.tex"].replace(b"72.4", b"75.0")
    told = bring_back(project.record, {**project.files, "tables/classes.tex": edited}, folder)
    assert told.refused == (
        "results.emotion_vit.accuracy: 72.4 was changed to 75.0 in tables/classes.tex; "
        "values come from runs.",
    )
    other = bring_back(project.record, {**project.files, "macros.tex": b"% mine"}, folder)
    assert "macros.tex: written by the study" in other.refused[0]


def test_sections_can_be_moved_added_and_dropped_and_references_come_back(folder: Path) -> None:
    project = exported(folder)
    files = dict(project.files)
    main = files["main.tex"].decode()
    files["main.tex"] = main.replace(
        "\\input{sections/one}\n\\input{sections/two}\n",
        "\\input{sections/two}\n\\input{sections/one}\n\\input{sections/new}\n",
    ).encode()
    files["sections/new.tex"] = (
        b"\\section{New}\r\nOf \\pkfact{3}{28,709} images.\r\n\\includegraphics{pics/a}\r\n"
    )
    files["pics/a.png"] = b"picture"
    files["notes.docx"] = b"?"
    files["references.bib"] = project.files["references.bib"] + b"\n@misc{new,\n title = {New}\n}\n"
    found = bring_back(project.record, files, folder)
    assert found.refused == ()
    assert (
        found.after["sections/new.tex"]
        == "\\section{New}\nOf \\VAR{data.train} images.\n\\includegraphics{pics/a}\n"
    )
    manuscript = found.after["manuscript.tex"]
    assert (
        manuscript.index("sections/two.tex")
        < manuscript.index("sections/one.tex")
        < manuscript.index('\\BLOCK{include "sections/new.tex"}\n')
    )
    assert found.after["references.bib"].endswith("@misc{new,\n title = {New}\n}\n")
    assert found.files == {"pics/a.png": b"picture"}
    assert found.notes == ("notes.docx: the paper does not read it; it is left.",)
    found.write(folder)
    again = exported(folder)
    assert "{28,709} images." in again.files["sections/new.tex"].decode()


def test_what_changed_in_the_study_meanwhile_stays_and_a_conflict_is_told_by_line(folder: Path) -> None:
    project = exported(folder)
    path = folder / "sections" / "one.tex"
    path.write_text(
        "% a new first line\n" + ONE.replace("The last paragraph is short.", "The final one is short.")
    )
    edited = project.files["sections/one.tex"].decode()
    edited = edited.replace("Views are", "Views were").replace("paragraph is short", "paragraph is brief")
    found = bring_back(project.record, {**project.files, "sections/one.tex": edited.encode()}, folder)
    assert found.after["sections/one.tex"] == path.read_text().replace("Views are", "Views were")
    assert len(found.refused) == 1
    assert found.refused[0].startswith("templates/sections/one.tex:15: changed in the study since the export")
    assert "brief" in found.refused[0]
    found.write(folder)
    again = bring_back(
        project.record,
        {**project.files, "sections/one.tex": edited.replace("brief", "short").encode()},
        folder,
    )
    assert (again.after, again.refused) == ({}, ())


def test_line_ends_of_a_template_stay_as_they_were(folder: Path) -> None:
    path = folder / "sections" / "one.tex"
    path.write_bytes(ONE.replace("\n", "\r\n").encode("utf-8-sig"))
    one(folder, "The last", "The very last").write(folder)
    assert path.read_bytes() == ONE.replace("The last", "The very last").replace("\n", "\r\n").encode(
        "utf-8-sig"
    )


LEFT = ("small", "views", "textbackslash")  # words of lines that a loop or a tag prints


def _line(text: str, position: int) -> str:
    return text[text.rfind("\n", 0, position) + 1 : text.find("\n", position)]


@pytest.mark.parametrize("seed", range(12))
def test_random_edits_of_words_come_back_as_they_were_made(folder: Path, seed: int) -> None:
    dice = random.Random(seed)
    project = exported(folder)
    edited = dict(project.files)
    for name in ("sections/one.tex", "sections/two.tex"):
        text = project.files[name].decode()
        words = [
            found
            for found in re.finditer(r"(?<![\\{/\w-])[a-z]{3,}(?![\w}{/])", text)
            if not set(LEFT) & set(re.findall(r"[a-z]+", _line(text, found.start())))
            and not re.search(r"\\pkfact\{\d+\}\{[^{}]*$", text[: found.start()])
        ]
        for found in sorted(dice.sample(words, min(6, len(words))), key=lambda found: -found.start()):
            change = dice.choice(["", "new", f"{found[0]} twice", f"quite {found[0]}"])
            text = text[: found.start() - (not change)] + change + text[found.end() :]
        edited[name] = text.encode()
    found_ = bring_back(project.record, edited, folder)
    assert found_.refused == ()
    found_.write(folder)
    again = exported(folder).files
    for name in ("sections/one.tex", "sections/two.tex"):
        assert again[name].decode().split() == edited[name].decode().split()


def test_a_project_is_read_from_a_zip_with_a_folder_in_it_and_from_the_export_itself(
    folder: Path, tmp_path: Path
) -> None:
    project = exported(folder)
    write_project(project, tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "back.zip", "w") as archive:
        for path in (tmp_path / "out").rglob("*"):
            archive.write(path, f"My Paper/{path.relative_to(tmp_path / 'out')}")
        archive.writestr("My Paper/.git/config", "x")
    files = read_project(tmp_path / "back.zip")
    assert files == dict(project.files)
    assert find_record(files, tmp_path) == project.record
    assert read_project(write_project(project, tmp_path / "own.zip")) == dict(project.files)


def test_the_studys_own_record_is_read_where_the_projects_is_gone(folder: Path, tmp_path: Path) -> None:
    project = exported(folder)
    files = {name: data for name, data in project.files.items() if name != "paperkit.json"}
    with pytest.raises(InputError, match=r"paperkit\.json is gone"):
        find_record(files, tmp_path)
    project.record.keep(tmp_path)
    assert find_record(files, tmp_path) == project.record


def test_a_damaged_record_and_a_folder_that_is_no_project_are_refused(folder: Path, tmp_path: Path) -> None:
    record = exported(folder).record
    with pytest.raises(InputError, match="changed since the export"):
        record_of({"id": record.id, **replace(record, commit="other").as_dict()}, "paperkit.json")
    with pytest.raises(InputError, match=r"damaged"):
        record_of({"id": "x"}, "paperkit.json")
    with pytest.raises(InputError, match=r"there is no main\.tex"):
        read_project(folder)
    with pytest.raises(InputError, match="there is no such folder or zip"):
        read_project(tmp_path / "nothing.zip")
    with pytest.raises(InputError, match="holds other things"):
        write_project(exported(folder), folder)


def test_a_new_export_replaces_an_earlier_one_but_not_what_was_edited_in_it(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    write_project(exported(folder), out)
    main = folder / "manuscript.tex"
    main.write_text(MAIN.replace('\\BLOCK{include "sections/one.tex"}\n', ""))
    write_project(exported(folder), out)
    assert not (out / "sections" / "one.tex").exists()
    (out / "sections" / "two.tex").write_text("mine\n")
    with pytest.raises(InputError, match=r"two\.tex: edited since it was exported.*paperkit import overleaf"):
        write_project(exported(folder), out)
    assert (out / "sections" / "two.tex").read_text() == "mine\n"


def _zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_mangled_project_is_refused_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    files = dict(exported(folder).files)
    away = _zip(tmp_path / "away.zip", {**files, "../evil.tex": b"x"})
    with pytest.raises(InputError, match="leads out of the archive"):
        read_project(away)
    whole = bytearray(_zip(tmp_path / "whole.zip", files).read_bytes())
    start = whole.find(b"main.tex") + 20
    broken, locked = bytearray(whole), bytearray(whole)
    broken[start : start + 30] = bytes(30)
    for found in re.finditer(b"PK\x01\x02", bytes(whole)):
        locked[found.start() + 8] |= 1
    (tmp_path / "broken.zip").write_bytes(broken)
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(InputError, match=r"damaged .* again"):
        read_project(tmp_path / "broken.zip")
    with pytest.raises(InputError, match=r"has a password; unpack the zip yourself"):
        read_project(tmp_path / "locked.zip")
    half = _zip(tmp_path / "half.zip", {**files, "main.tex": files["main.tex"][:900]})
    with pytest.raises(InputError, match="cut off"):
        read_project(half)
    write_project(exported(folder), tmp_path / "linked")
    (tmp_path / "linked" / "secret.png").symlink_to(folder / "manuscript.tex")
    with pytest.raises(InputError, match=r"secret\.png is a link that leads out"):
        read_project(tmp_path / "linked")


@pytest.mark.parametrize("name", ["../../.profile", "..\\..\\.profile", "C:\\.profile", "/.profile", ""])
def test_a_forged_record_cannot_name_a_file_outside_of_the_templates(name: str, folder: Path) -> None:
    record = exported(folder).record
    forged = replace(record, templates={**record.templates, name: "words"})
    with pytest.raises(InputError, match="leads out of the study"):
        record_of({"id": forged.id, **forged.as_dict()}, "paperkit.json")


def test_what_is_new_in_the_project_never_replaces_what_the_study_has_under_its_name(folder: Path) -> None:
    (folder / "mine.png").write_bytes(b"as exported")
    project = exported(folder)
    (folder / "mine.png").write_bytes(b"changed since")
    (folder / "pics").mkdir()
    (folder / "pics" / "a.png").write_bytes(b"mine")
    (folder / "sections" / "extra.tex").write_text("Mine.\n")
    files = dict(project.files)
    added = b"\\input{sections/extra}\n\\includegraphics{pics/a}\n\\includegraphics{mine}\n\\end{document}"
    files["main.tex"] = files["main.tex"].replace(b"\\end{document}", added)
    files |= {"sections/extra.tex": b"Theirs.\n", "pics/a.png": b"theirs", "mine.png": b"theirs"}
    found = bring_back(project.record, files, folder)
    assert found.files == {}
    assert set(found.after) == {"manuscript.tex"}
    told = [reason for reason in found.refused if "the study's is kept" in reason]
    assert [reason.partition(":")[0] for reason in told] == ["sections/extra.tex", "mine.png", "pics/a.png"]


def test_a_name_that_no_template_can_have_stops_an_import_before_it_writes(folder: Path) -> None:
    project = exported(folder)
    for name in ("sections/one.tex/x.tex", "a" * 260 + ".tex"):
        files = dict(project.files)
        line = f"\\input{{{name.removesuffix('.tex')}}}\n\\end{{document}}".encode()
        files["main.tex"] = files["main.tex"].replace(b"\\end{document}", line)
        files[name] = b"Theirs.\n"
        with pytest.raises(InputError, match="can hold no file of this name"):
            bring_back(project.record, files, folder)
