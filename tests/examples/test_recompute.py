"""paper/examples/recompute: every number of the committed paper agrees, and a wrong one is found."""

import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.examples.planted import with_other_logits

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "paper" / "examples" / "recompute"
PAPER = ROOT / "paper" / "examples" / "fer2013_small" / "paper.pdf"
RECORDS = PAPER.with_name("records.zip")


@pytest.fixture(scope="module")
def found(script):
    """The report on the committed paper."""
    return script["report"].report(PAPER, RECORDS)


def copied(folder: Path) -> Path:
    """The paper copied into a folder, with its supplement."""
    for name in ("paper.pdf", "supplement.pdf"):
        (folder / name).write_bytes(PAPER.with_name(name).read_bytes())
    return folder / "paper.pdf"


def replanted(script, source: Path, target: Path, page: int, old: bytes, new: bytes) -> None:
    """The PDF with the first `old` of a page's text replaced, as an update at its end."""
    data, pdf = source.read_bytes(), script["pages"].Pdf(source)
    number = contents(pdf, page)
    content = script["pages"].stream(pdf.objects[number]).replace(old, new, 1)
    update = b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, len(content), content)
    root, size = re.search(rb"/Root (\d+ 0 R)", data)[1], max(pdf.objects) + 1
    before = data.rsplit(b"startxref", 1)[1].split()[0]
    table = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %s /Prev %s >>\nstartxref\n%d\n%%%%EOF\n"
    at = len(data) + len(update)
    target.write_bytes(data + update + table % (number, len(data), size, root, before, at))


def contents(pdf, page: int) -> int:
    """Number of the object that holds the text of a page, counted from 1."""
    return int(re.search(rb"/Contents (\d+) 0 R", pdf.objects[pdf.page_numbers[page - 1]])[1])


def single(script, facts, source: Path, key: str):
    """(fact, page, its text as the page has it) of a number with such a key that a page holds once."""
    alone, texts = script["pages"].Pdf(source), {fact["number"]: fact for fact in facts}
    for place in script["printed"].printings(alone, {number: fact["text"] for number, fact in texts.items()}):
        fact = texts.get(place.number)
        held = b"(%s)" % place.shown.encode("ascii", "replace")
        if fact is None or not re.fullmatch(key, fact["key"]) or not re.fullmatch(r"[\d.,]+", place.shown):
            continue
        if script["pages"].stream(alone.objects[contents(alone, place.page)]).count(held) == 1:
            return fact, place.page, held
    raise AssertionError(f"{source}: no page holds a number of {key} once")


def other_digit(held: bytes) -> bytes:
    """A text of a PDF with another last digit."""
    return held[:-2] + bytes([(held[-2] - ord("0") + 4) % 10 + ord("0")]) + b")"


def test_every_number_of_the_committed_paper_agrees_and_none_is_unchecked():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(PAPER), str(RECORDS)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    checked = {line[:28].strip(): line[28:].split() for line in done.stdout.splitlines()[1:]}
    assert int(checked["recomputed exactly"][0]) > 200
    assert int(checked["within Monte-Carlo error"][0]) > 15
    assert checked["unchecked"] == ["0", "0"]


def test_the_script_loads_numpy_and_nothing_of_what_made_the_paper():
    code = (
        "import runpy, sys; sys.argv = sys.argv[1:]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    given = [sys.executable, "-c", code, str(SCRIPT), str(PAPER), str(RECORDS)]
    loaded = subprocess.run(given, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    assert "'numpy'" in loaded
    for name in ("paper_kit", "scipy", "pandas", "statsmodels", "torch", "sklearn"):
        assert f"'{name}'" not in loaded


def test_a_digit_that_is_changed_on_a_page_is_found(script, facts, tmp_path):
    changed = copied(tmp_path)
    fact, page, held = single(script, facts, PAPER, r"results\.\w+\.(accuracy|macro_f1)")
    replanted(script, PAPER, changed, page, held, other_digit(held))
    wrong = script["report"].report(changed, RECORDS).wrong
    assert [(each.kind, each.key, each.page, each.printed.encode()) for each in wrong] == [
        ("shown on its page", fact["key"], page, other_digit(held)[1:-1])
    ]


def test_a_digit_that_is_changed_on_a_page_of_the_supplement_is_found(script, facts, tmp_path):
    changed = copied(tmp_path)
    more = PAPER.with_name("supplement.pdf")
    fact, page, held = single(script, facts, more, r"model\.\w+\.layer\.\w+\.(macs|parameters)")
    replanted(script, more, tmp_path / "supplement.pdf", page, held, other_digit(held))
    wrong = script["report"].report(changed, RECORDS).wrong
    assert [(each.kind, each.key, each.printed.encode()) for each in wrong] == [
        ("shown on its page", fact["key"], other_digit(held)[1:-1])
    ]


def test_a_cell_of_the_map_of_gains_that_is_changed_is_found(script, pdf, judge, found):
    study, report = judge.trials.studies.main, script["report"]
    cells = [each for each in found.findings if each.key.startswith("gain.")]
    assert len(cells) == len(study.ablations) * len(study.classes)
    _, values, halves = next(script["printed"].gain_cells(pdf, study.classes, len(study.ablations)))
    for cell, other in ((values[1], "+9.9"), (halves[2], "±9.9")):
        changed = script["pages"].opened(PAPER)
        changed.__dict__["words"] = [replace(w, text=other) if w == cell else w for w in pdf.words]
        wrong = [each for each in report._of_gains(changed, judge, {"figure.gains"}) if not each.agrees]
        assert [other in each.printed for each in wrong] == [True]


def test_a_cell_of_a_confusion_matrix_that_is_changed_is_found(script, pdf, judge, found):
    study = judge.trials.studies.main
    cells = [each for each in found.findings if each.key.startswith("confusion.")]
    assert len(cells) == len(study.models) * len(study.classes) ** 2
    row = next(script["printed"].confusion(pdf, study.classes, len(study.models)))
    other = script["pages"].opened(PAPER)
    other.__dict__["words"] = [
        replace(word, text=str(int(word.text) + 1)) if word == row[2][3] else word for word in pdf.words
    ]
    wrong = [each for each in script["report"]._of_confusion(other, study) if not each.agrees]
    assert [each.printed for each in wrong] == [str(int(row[2][3].text) + 1)]


def test_every_digit_under_a_link_counts(script, pdf, facts):
    texts, shows = {fact["number"]: fact["text"] for fact in facts}, script["printed"].shows
    digits = 0
    for place in script["printed"].printings(pdf, texts):
        for at, sign in enumerate(place.shown):
            if sign.isdigit():
                other = place.shown[:at] + str((int(sign) + 1) % 10) + place.shown[at + 1 :]
                assert not shows(replace(place, shown=other), texts[place.number]), (place, other)
                digits += 1
    assert digits > 1000


def test_a_last_digit_that_is_changed_on_the_page_and_in_the_provenance_is_found(missed_lies, pdf, judge):
    told, missed = missed_lies(pdf, judge)
    assert told > 1000
    assert missed == []


def test_other_logits_are_found_in_every_number_that_rests_on_them(script, judge, tmp_path):
    packed, label = tmp_path / "records.zip", "resemotenet"
    with_other_logits(RECORDS, packed, judge.trials.studies.main.run(label))
    wrong = {each.key for each in script["report"].report(PAPER, packed).wrong}
    assert {f"results.{label}.accuracy", f"results.{label}.macro_f1", f"results.{label}.ece"} <= wrong
    assert f"results.{label}.without.no_transfer.change" in wrong
    assert any(key.startswith(f"confusion.{label}.") for key in wrong)
    assert not any(key.startswith("results.advanced_emotenet.recall") for key in wrong)


def test_a_damaged_pack_is_told(script, tmp_path):
    packed = tmp_path / "records.zip"
    with zipfile.ZipFile(RECORDS) as source, zipfile.ZipFile(packed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b"1,", b"1 ,", 1) if name.startswith("costs/") else content)
    assert any("not the packed file" in each.own for each in script["report"].report(PAPER, packed).wrong)


def test_a_pdf_that_does_not_say_what_its_numbers_are_is_refused(script, tmp_path, monkeypatch):
    bare = copied(tmp_path)
    monkeypatch.setattr(script["pages"].Pdf, "attachment", lambda *_: None)
    with pytest.raises(ValueError, match="is attached or beside it"):
        script["report"].report(bare, RECORDS)


def test_a_paper_without_its_family_of_tests_is_refused(script, tmp_path, monkeypatch):
    bare = copied(tmp_path)
    attached = script["pages"].Pdf.attachment

    def without(pdf, name):
        return None if name == "claims.json" else attached(pdf, name)

    monkeypatch.setattr(script["pages"].Pdf, "attachment", without)
    with pytest.raises(ValueError, match=r"no claims\.json is attached or beside it; build the paper again"):
        script["report"].report(bare, RECORDS)
    bare.with_name("claims.json").write_text("[]")
    with pytest.raises(ValueError, match="without the family of tests"):
        script["report"].report(bare, RECORDS)


def test_a_number_in_the_row_of_another_model_is_found(script, judge):
    studies, printing = judge.trials.studies, script["printed"].Printing
    fact = {"key": "results.resemotenet.accuracy", "text": "54.3"}
    for row, agrees in (("ResEmoteNet", True), ("EmotionViT 47.1 37.0", False)):
        place = printing(1, 5, "54.3", (row, row))
        assert {each.agrees for each in script["report"]._in_row(studies, fact, place)} == {agrees}
