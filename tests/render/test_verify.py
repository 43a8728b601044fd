"""A sealed paper under tampering: the check that fails is the one that should, and it names what changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.files import read_json, write_json, write_npz
from paper_kit.core.paper import experiment_files
from paper_kit.core.plan import load_plans
from paper_kit.render import verify as module
from paper_kit.render.build import build_paper
from paper_kit.render.request import Request
from paper_kit.render.seal import MANIFEST
from paper_kit.render.verify import Check, Verdict, find_manifest, verify
from tests.sealed import finish, run_ids, study

pytestmark = [
    pytest.mark.tex,
    pytest.mark.skipif(
        shutil.which("latexmk") is None or shutil.which("pdftotext") is None, reason="needs TeX: make tex"
    ),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with its paper, built once."""
    root = study(tmp_path_factory.mktemp("built") / "study")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PAPERKIT_DATA", raising=False)
        patch.chdir(root)
        build_paper(Request(), root)
    return root


@pytest.fixture
def root(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study and its paper in another folder, which is the current one."""
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    copy = tmp_path / "copy"
    shutil.copytree(built, copy)
    monkeypatch.chdir(copy)
    return copy


def paper(root: Path) -> Path:
    return root / "paper" / "build" / "article" / "paper.pdf"


def checked(root: Path, pdf: Path | None = None, *, rebuild: bool = False) -> dict[str, Check]:
    return {check.name: check for check in verify(pdf or paper(root), Request(), root, rebuild=rebuild)}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def one_logit(root: Path) -> None:
    """Nothing; one image of one run was taken for another class."""
    path = root / "experiments" / "runs" / run_ids(root)[0] / "predictions.npz"
    with np.load(path) as opened:
        arrays = {name: opened[name] for name in opened.files}
    label = arrays["test_labels_N"][0]
    right = arrays["test_selected_VNK"][:, 0].mean(axis=0).argmax() == label
    arrays["test_selected_VNK"][:, 0, (label + 1) % 7 if right else label] += 99
    write_npz(path, **arrays)


def test_an_untouched_paper_passes_every_check_in_another_folder(root: Path) -> None:
    found = checked(root, rebuild=True)
    assert list(found) == ["file", "inputs", "numbers", "words", "bytes"]
    assert {check.verdict for check in found.values()} == {Verdict.OK}


def test_one_byte_in_the_pdf_makes_it_another_file(root: Path) -> None:
    data = bytearray(paper(root).read_bytes())
    data[len(data) // 2] ^= 1
    paper(root).write_bytes(bytes(data))
    found = checked(root)
    assert found["file"].verdict is Verdict.DIFFERS
    assert "not the file that was sealed" in found["file"].told
    assert found["inputs"].verdict is Verdict.OK


def test_one_changed_prediction_is_found_in_the_records_and_in_the_number(root: Path) -> None:
    one_logit(root)
    found = checked(root, rebuild=True)
    assert found["file"].verdict is Verdict.OK
    assert found["inputs"].verdict is Verdict.DIFFERS
    (line,) = found["inputs"].details
    assert line.startswith("records, what the runs left: ")
    assert f"runs/{run_ids(root)[0]}/predictions.npz (other, EmotionViT, base, seed 0)" in line
    assert found["numbers"].verdict is found["words"].verdict is found["bytes"].verdict is Verdict.DIFFERS
    assert found["numbers"].details[0].startswith("results.emotion_vit.accuracy: ")
    assert "is right on [" in found["words"].details[0]


def test_one_word_in_a_template_is_found_and_no_number_changes(root: Path) -> None:
    edit(root / "templates" / "manuscript.tex", "is right on", "is wrong on")
    found = checked(root, rebuild=True)
    assert found["inputs"].details == ("templates, the words: templates/manuscript.tex (other)",)
    assert found["numbers"].verdict is Verdict.OK
    assert "[right → wrong]" in found["words"].details[0]


@pytest.mark.parametrize(
    ("old", "new"), [("gamma = 2.0", "gamma = 0.5"), ("seeds = [0, 1]", "seeds = [0, 5]")]
)
def test_a_changed_setting_or_seed_is_found_in_the_experiment_file(root: Path, old: str, new: str) -> None:
    edit(root / "experiments" / "study.toml", old, new)
    finish(root, load_plans(experiment_files(root)))
    details = checked(root)["inputs"].details
    assert {line.partition(",")[0] for line in details} == {"records", "paper"}
    assert any("experiments/study.toml (other)" in line for line in details)


def test_other_versions_are_told_from_what_to_what(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paper_kit.core.digest.__version__", "99.0")
    (line,) = checked(root)["inputs"].details
    assert line.startswith("environment, ")
    assert "→ 99.0" in line


def test_runs_that_are_gone_are_told(root: Path) -> None:
    shutil.rmtree(root / "experiments" / "runs" / run_ids(root)[0])
    assert "(gone, EmotionViT, base, seed 0)" in checked(root)["inputs"].details[0]


def test_a_study_that_no_longer_builds_says_why(root: Path) -> None:
    edit(root / "templates" / "manuscript.tex", "results.emotion_vit", "results.emotion_vti")
    found = checked(root, rebuild=True)
    assert found["rebuild"].verdict is Verdict.DIFFERS
    assert "emotion_vti" in found["rebuild"].details[0]


def test_a_manifest_that_was_changed_does_not_add_up(root: Path) -> None:
    path = paper(root).with_name(MANIFEST)
    manifest = read_json(path)
    manifest["inputs"]["templates"]["templates/manuscript.tex"] = "0" * 64
    write_json(path, manifest)
    found = checked(root)["file"]
    assert found.verdict is Verdict.DIFFERS
    assert "does not add up" in found.told


def test_a_copy_of_the_paper_is_known_by_its_hash(root: Path) -> None:
    copy = root / "paper" / "build" / "paper.pdf"
    shutil.copy(paper(root), copy)
    assert find_manifest(copy, root) == paper(root).with_name(MANIFEST)
    assert checked(root, copy)["file"].verdict is Verdict.OK


def test_a_paper_without_a_manifest_is_known_by_the_seal_that_it_prints(root: Path) -> None:
    edit(root / "templates" / "manuscript.tex", "models.", "models. Seal \\VAR{build.seal}.")
    report = build_paper(Request(out=root / "elsewhere"), root)
    assert report.pdf is not None
    (report.folder / MANIFEST).unlink()
    found = checked(root, report.pdf, rebuild=True)
    assert [check.verdict for check in found.values()] == [
        Verdict.UNKNOWN, Verdict.OK, Verdict.UNKNOWN, Verdict.OK, Verdict.OK,
    ]  # fmt: skip
    edit(root / "templates" / "manuscript.tex", "is right", "is wrong")
    found = checked(root, report.pdf)
    assert found["inputs"].verdict is Verdict.DIFFERS
    assert "today's seal is" in found["inputs"].told


def test_a_seal_that_the_supplement_prints_counts_as_the_papers(root: Path) -> None:
    supplement = r"models. \pksupplement{A}{B} Seal \VAR{build.seal}."
    edit(root / "templates" / "manuscript.tex", "models.", supplement)
    report = build_paper(Request(out=root / "elsewhere"), root)
    assert report.pdf is not None
    assert report.supplement == 1
    (report.folder / MANIFEST).unlink()
    assert checked(root, report.pdf)["inputs"].verdict is Verdict.OK
    (report.folder / "supplement.pdf").unlink()
    assert checked(root, report.pdf)["inputs"].verdict is Verdict.UNKNOWN


def test_a_paper_without_manifest_and_seal_cannot_be_checked(root: Path) -> None:
    paper(root).with_name(MANIFEST).unlink()
    found = checked(root)
    assert {check.verdict for check in found.values()} == {Verdict.UNKNOWN}


def test_without_a_manifest_what_is_painted_over_a_page_is_found(root: Path) -> None:
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import NameObject, StreamObject

    edit(root / "templates" / "manuscript.tex", "models.", "models. Seal \\VAR{build.seal}.")
    report = build_paper(Request(out=root / "elsewhere"), root)
    assert report.pdf is not None
    (report.folder / MANIFEST).unlink()
    found = checked(root, report.pdf, rebuild=True)["drawings"]
    assert (found.verdict, found.told) == (Verdict.OK, f"all {report.pages} pages are drawn alike")
    writer = PdfWriter(clone_from=PdfReader(report.pdf))
    paint = StreamObject()
    paint.set_data(writer.pages[0].get_contents().get_data() + b" 1 0 0 rg 100 100 300 300 re f ")
    writer.pages[0][NameObject("/Contents")] = writer._add_object(paint)
    writer.write(report.pdf)
    found = checked(root, report.pdf, rebuild=True)
    assert found["words"].verdict is Verdict.OK
    assert found["drawings"].verdict is Verdict.DIFFERS
    assert "1 page is drawn otherwise: 1" in found["drawings"].told


def test_a_pdf_that_was_cut_off_cannot_be_read(root: Path) -> None:
    data = paper(root).read_bytes()
    paper(root).write_bytes(data[:300])
    with pytest.raises(InputError, match="damaged, or was cut off"):
        checked(root)


def test_runs_that_lie_elsewhere_are_asked_for(root: Path) -> None:
    (root / "experiments" / "runs").rename(root / "other")
    found = checked(root)["inputs"]
    assert found.verdict is Verdict.DIFFERS
    assert found.told.startswith(f"None of the {len(run_ids(root))} runs of this PDF is in experiments/runs.")
    assert found.told.endswith("Add --runs FOLDER.")


def test_bytes_are_not_compared_between_two_versions_of_tex(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "tex_version", lambda: "another TeX")
    found = checked(root, rebuild=True)["bytes"]
    assert found.verdict is Verdict.UNKNOWN
    assert "another TeX" in found.told


def test_without_tex_the_numbers_are_still_checked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    which: Callable[[str], str | None] = shutil.which
    monkeypatch.setattr(module.shutil, "which", lambda tool: None if tool == "latexmk" else which(tool))
    found = checked(root, rebuild=True)
    assert found["numbers"].verdict is Verdict.OK
    assert found["words"].verdict is Verdict.UNKNOWN


def test_what_is_no_pdf_is_refused(root: Path) -> None:
    with pytest.raises(InputError, match="not a PDF"):
        checked(root, root / "experiments" / "study.toml")
    with pytest.raises(InputError, match="paperkit build-pdf"):
        checked(root, root / "nothing.pdf")
