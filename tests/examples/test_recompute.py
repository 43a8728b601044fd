"""paper/examples/recompute: every number of the committed paper agrees, and a wrong one is found."""

import hashlib
import importlib
import io
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "paper" / "examples" / "recompute"
PAPER = ROOT / "paper" / "examples" / "fer2013_small" / "paper.pdf"
RECORDS = PAPER.with_name("records.zip")
MODULES = [path.stem for path in SCRIPT.glob("*.py") if path.stem != "__main__"]


@pytest.fixture(scope="module")
def script():
    """The modules of the script by name, imported as the script imports them and forgotten afterwards."""
    sys.path.insert(0, str(SCRIPT))
    try:
        yield {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(SCRIPT))
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def found(script):
    """The report on the committed paper."""
    return script["report"].report(PAPER, RECORDS)


@pytest.fixture(scope="module")
def pdf(script):
    return script["pages"].Pdf(PAPER)


@pytest.fixture(scope="module")
def facts(pdf):
    return json.loads(pdf.attachment("provenance.json"))["facts"]


@pytest.fixture(scope="module")
def claims(pdf):
    return json.loads(pdf.attachment("claims.json"))


@pytest.fixture(scope="module")
def judge(script, claims):
    study = script["stored"].read_study(
        ROOT / "experiments" / "fer2013_small.toml", script["stored"].Records(RECORDS)
    )
    family = script["trials"].family_of(claims["family"])
    return script["report"]._judge(script["fields"].Fields(study, ROOT), family, {})


@pytest.fixture
def wrong_of_family(script, judge):
    """A function that gives what is wrong of another family of tests: (what, what is told of it)."""

    def wrong(family):
        found = script["claimed"].of_family(replace(judge.trials, family=family))
        return [(each.key.partition(":")[0], each.printed) for each in found if not each.agrees]

    return wrong


def replanted(source: Path, target: Path, old: bytes, new: bytes, script) -> None:
    """The PDF with the first `old` of its pages' text replaced, as an update at its end."""
    data, pdf = source.read_bytes(), script["pages"].Pdf(source)
    contents = [int(re.search(rb"/Contents (\d+) 0 R", pdf.objects[page])[1]) for page in pdf.page_numbers]
    number = next(each for each in contents if old in script["pages"].stream(pdf.objects[each]))
    content = script["pages"].stream(pdf.objects[number]).replace(old, new, 1)
    update = b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, len(content), content)
    root, size = re.search(rb"/Root (\d+ 0 R)", data)[1], max(pdf.objects) + 1
    before = data.rsplit(b"startxref", 1)[1].split()[0]
    table = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %s /Prev %s >>\nstartxref\n%d\n%%%%EOF\n"
    at = len(data) + len(update)
    target.write_bytes(data + update + table % (number, len(data), size, root, before, at))


def with_other_logits(target: Path, run: str) -> None:
    """The records with the logits of the first 100 test images of a run in another order of classes."""
    with zipfile.ZipFile(RECORDS) as source, zipfile.ZipFile(target, "w") as packed:
        contents = {name: source.read(name) for name in source.namelist()}
        with np.load(io.BytesIO(contents[f"{run}/predictions.npz"])) as held:
            arrays = dict(held)
        arrays["test_selected_VNK"][:, :100] = arrays["test_selected_VNK"][:, :100, ::-1]
        written = io.BytesIO()
        np.savez(written, **arrays)
        contents[f"{run}/predictions.npz"] = written.getvalue()
        manifest = json.loads(contents["manifest.json"])
        digest = hashlib.sha256(written.getvalue()).hexdigest()
        manifest["files"][f"{run}/predictions.npz"]["sha256"] = digest
        contents["manifest.json"] = json.dumps(manifest).encode()
        for name, content in contents.items():
            packed.writestr(name, content)


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


def test_a_digit_that_is_changed_on_a_page_is_found(script, tmp_path):
    changed = tmp_path / "paper.pdf"
    replanted(PAPER, changed, b"(54.3)", b"(54.9)", script)
    wrong = script["report"].report(changed, RECORDS).wrong
    assert [(each.kind, each.key, each.printed.split()[0]) for each in wrong] == [
        ("shown on its page", "results.resemotenet.accuracy", "54.9")
    ]


def test_a_cell_of_a_confusion_matrix_that_is_changed_is_found(script, pdf, found):
    study = script["stored"].read_study(
        ROOT / "experiments" / "fer2013_small.toml", script["stored"].Records(RECORDS)
    )
    cells = [each for each in found.findings if each.key.startswith("confusion.")]
    assert len(cells) == len(study.models) * len(study.classes) ** 2
    row = next(script["printed"].confusion(pdf, study.classes, len(study.models)))
    other = script["pages"].Pdf(PAPER)
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


def test_a_last_digit_that_is_changed_on_the_page_and_in_the_provenance_is_found(judge, facts):
    missed = []
    for fact in facts:
        number = re.search(r"\d[\d,]*(?:\.\d+)?", fact["text"])
        if number is None or fact["key"].startswith("build.") or fact["key"] == "settings.optim.lr":
            continue  # the learning rate is another in each row
        for step in (1, 9):
            at = number.end() - 1
            text = f"{fact['text'][:at]}{(int(fact['text'][at]) + step) % 10}{fact['text'][at + 1 :]}"
            if all(
                each.agrees and each.kind != "unchecked"
                for each in judge.findings({**fact, "text": text}, 1, "")
            ):
                missed.append((fact["key"], fact["text"], text))
    assert missed == []


def test_other_logits_are_found_in_every_number_that_rests_on_them(script, tmp_path):
    packed = tmp_path / "records.zip"
    label = "resemotenet"
    run = (
        script["stored"]
        .read_study(ROOT / "experiments" / "fer2013_small.toml", script["stored"].Records(RECORDS))
        .runs[label, "base"]
    )
    with_other_logits(packed, run)
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
    bare = tmp_path / "paper.pdf"
    bare.write_bytes(PAPER.read_bytes())
    monkeypatch.setattr(script["pages"].Pdf, "attachment", lambda *_: None)
    with pytest.raises(ValueError, match="is attached or beside it"):
        script["report"].report(bare, RECORDS)


def test_a_paper_without_its_family_of_tests_is_refused(script, tmp_path, monkeypatch):
    bare = tmp_path / "paper.pdf"
    bare.write_bytes(PAPER.read_bytes())
    attached = script["pages"].Pdf.attachment

    def without(pdf, name):
        return None if name == "claims.json" else attached(pdf, name)

    monkeypatch.setattr(script["pages"].Pdf, "attachment", without)
    with pytest.raises(ValueError, match=r"no claims\.json is attached or beside it; build the paper again"):
        script["report"].report(bare, RECORDS)
    bare.with_name("claims.json").write_text("[]")
    with pytest.raises(ValueError, match="without the family of tests"):
        script["report"].report(bare, RECORDS)


def test_every_test_of_the_family_agrees(judge, wrong_of_family):
    assert len(judge.trials.family) > 20
    assert wrong_of_family(judge.trials.family) == []


def test_a_changed_p_or_number_of_images_is_found_in_the_test_that_has_it(judge, wrong_of_family):
    family = judge.trials.family
    for at, test in list(enumerate(family))[::9]:
        for field, other in (
            ("p", test.p * 1.001 + 1e-300), ("p_holm", test.p_holm * 1.001), ("images", test.images - 1),
        ):  # fmt: skip
            changed = [*family[:at], replace(test, **{field: other}), *family[at + 1 :]]
            what = "images" if field == "images" else "family"
            assert [found for found, _ in wrong_of_family(changed)] == [what], (test, field)


def test_a_p_that_is_not_multiplied_is_found_for_each_side_that_was_picked(script, judge):
    family = [replace(test, candidates=1) for test in judge.trials.family]
    found = script["claimed"].of_family(replace(judge.trials, family=family))
    wrong = {each.key.removeprefix("candidates: ") for each in found if not each.agrees}
    picked = [test for test in judge.trials.family if test.candidates > 1]
    missed = [test for test in picked if replace(test, candidates=1).name not in wrong]
    assert len(picked) > 5
    assert {test.left for test in missed} == {judge.trials.averaged.effect("largest")}  # picked, or named


def test_a_test_of_sides_that_the_script_does_not_know_is_unchecked_and_spares_the_others(script, judge):
    other = replace(judge.trials.family[0], right="results.advanced_emotenet.brier")
    trials = replace(judge.trials, family=[other, *judge.trials.family[1:]])
    found = [each for each in script["claimed"].of_family(trials) if each.kind == "unchecked"]
    assert [each.own for each in found] == ["nothing is known of 'results.advanced_emotenet.brier'"]
    assert all(each.agrees for each in script["claimed"].of_family(trials))


def test_a_picked_side_must_be_held_against_its_hardest_rival(judge, wrong_of_family):
    trials, keys = judge.trials, []
    for at, test in enumerate(trials.family):
        if trials.rivals(test.left) and test.about == "difference":
            keys.append(test.left)
            p_of = {rival: trials.raw(test.left, rival) for rival in trials.rivals(test.left)}
            assert max(p_of, key=lambda rival: p_of[rival]) == test.right
            easy = min(p_of, key=lambda rival: p_of[rival])
            p, images = min(1.0, p_of[easy] * test.candidates), trials.images(test.left, easy)
            changed = replace(test, right=easy, p=p, images=images)
            wrong = wrong_of_family([*trials.family[:at], changed, *trials.family[at + 1 :]])
            assert {"family", "hardest"} <= {what for what, _ in wrong}
    assert len(keys) > 2


def test_a_test_of_the_ablation_table_that_is_left_out_and_one_that_stands_twice_are_found(
    judge, wrong_of_family
):
    family = judge.trials.family
    at = next(at for at, test in enumerate(family) if test.left.endswith("emotion_vit.without.no_tta.change"))
    assert ("family", "") in wrong_of_family([*family[:at], *family[at + 1 :]])
    assert wrong_of_family([*family, family[0]]).count(("family", "")) == 2


def test_a_changed_verdict_difference_interval_or_p_of_a_claim_is_found(script, judge, claims):
    def wrong(entry):
        found = script["claimed"].of_claims(judge.trials, [entry])
        return [each.key.partition(":")[0] for each in found if not each.agrees]

    for entry in claims["claims"]:
        assert wrong(entry) == []
        other = "undecided" if entry["verdict"] != "undecided" else "holds"
        assert wrong({**entry, "verdict": other}) == ["verdict"]
        if entry["p"] is None:
            continue
        low, high = entry["interval"]
        assert wrong({**entry, "difference": -entry["difference"]}) == ["difference"]
        assert wrong({**entry, "interval": [low, high + 0.001]}) == ["difference"]
        for name in ("p", "p_holm", "p_equivalence"):
            assert wrong({**entry, name: entry[name] * 0.99}) == ["p"]


def test_the_rule_for_picked_sides(script, judge):
    def multipliers(left, right):
        return script["picked"].multipliers(judge.trials.averaged, left, right)

    study = judge.trials.study
    best, middle, worst = (f"results.{model}" for model in study.best_first)
    largest = judge.trials.averaged.effect("largest")
    assert multipliers(f"{best}.accuracy", f"{middle}.accuracy") == {2}
    assert multipliers(f"{best}.accuracy", f"{worst}.accuracy") == {2, 3}
    ablated = ".without.no_transfer.accuracy"
    assert multipliers(best + ablated, middle + ablated) == {2}
    assert multipliers("results.confused.rate", "results.confusion.0.4") == {41}
    assert multipliers("results.gained.change", "0") == {28}
    assert multipliers("results.best_class_recall", "results.recall.sad") == {6}
    assert multipliers("results.best_class_recall", "results.worst_class_recall") == {21}
    assert multipliers("results.average.no_tta.change", "0") == {1}
    assert 12 in multipliers(largest, "0")


def test_the_own_tests_are_those_of_the_textbooks(script):
    from scipy import stats as scipy_stats
    from statsmodels.stats.multitest import multipletests

    chance, rng = script["chance"], np.random.default_rng(3)
    for t, freedom in ((0.0, 10), (1.3, 40), (2.9, 3588), (8.0, 3588)):
        assert chance.upper_tail(t, freedom) == pytest.approx(scipy_stats.t.sf(t, freedom), rel=1e-6)
    first_N, second_N = rng.random((2, 500)) < 0.6
    p = [0.001, 0.04, 0.03, 0.6, 0.02]
    own = chance.holm({str(at): each for at, each in enumerate(p)})
    assert [own[str(at)] for at in range(5)] == pytest.approx(multipletests(p, method="holm")[1])
    only = [int((first_N & ~second_N).sum()), int((~first_N & second_N).sum())]
    exact = scipy_stats.binomtest(min(only), sum(only)).pvalue
    midp = exact - scipy_stats.binom.pmf(min(only), sum(only), 0.5)
    assert chance.mcnemar_midp(first_N.astype(float), second_N.astype(float)) == pytest.approx(midp)


def test_scores_of_a_rare_class_have_the_degrees_of_its_images(script, judge):
    from scipy import stats as scipy_stats

    chance, averaged = script["chance"], judge.trials.averaged
    study = judge.trials.study
    own_N = study.cell(next(iter(study.models))).labels == study.classes.index("disgust")
    sides = "results.confusion.1.3", "results.confusion.1.0"
    own = [
        np.mean([study.cell(model).chosen_N[own_N] == chosen for model in study.models], axis=0)
        for chosen in (3, 0)
    ]
    exact = scipy_stats.ttest_rel(*own)  # the same question, asked of the images of the class alone
    scores_N, images = averaged.scores(*sides), averaged.images(*sides)
    assert images == own_N.sum()
    assert chance.two_sided(scores_N, images) == pytest.approx(exact.pvalue, rel=1e-6)
    bounds = exact.confidence_interval(0.95)
    assert chance.interval(scores_N, 0.95, images) == pytest.approx((bounds.low, bounds.high), rel=1e-6)
    with_less = averaged.images("results.recall.happy", "results.recall.disgust")
    assert with_less == own_N.sum()


def test_scores_that_never_vary_say_no_more_than_their_images_can(script):
    chance, scores_N = script["chance"], np.full(400, 0.02)
    assert chance.two_sided(scores_N, 50) == pytest.approx(0.98**50)
    assert chance.two_sided(np.zeros(400)) == 1.0
    assert chance.equivalence(scores_N, 0.05, 50) == pytest.approx(0.97**50)
    assert chance.equivalence(scores_N, 0.01) == 1.0
    half = 1 - 0.05 ** (1 / 50)
    assert chance.interval(scores_N, 0.95, 50) == pytest.approx((0.02 - half, 0.02 + half))
    assert chance.mcnemar_midp(np.ones(9), np.ones(9)) == 1.0


def test_equality_is_two_one_sided_tests(script):
    from statsmodels.stats.weightstats import DescrStatsW

    chance, rng = script["chance"], np.random.default_rng(4)
    scores_N = rng.choice([-1.0, 0.0, 1.0], size=3000, p=[0.1, 0.8, 0.1])
    for margin in (0.01, 0.03):
        exact = DescrStatsW(scores_N).ttost_mean(-margin, margin)[0]
        assert chance.equivalence(scores_N, margin) == pytest.approx(exact, rel=1e-6)


def test_random_signs_and_resampling_agree_with_students_t(script):
    from scipy import stats as scipy_stats

    chance, rng = script["chance"], np.random.default_rng(5)
    scores_N = rng.choice([-1.0, 0.0, 1.0], size=3000, p=[0.09, 0.8, 0.11])
    drawn, exact = chance.sign_flips(scores_N), scipy_stats.ttest_1samp(scores_N, 0)
    assert abs(drawn.value - exact.pvalue) < chance.ERRORS * drawn.error + 0.002
    assert chance.two_sided(scores_N) == pytest.approx(exact.pvalue, rel=1e-6)
    interval = exact.confidence_interval(0.95)
    assert chance.bootstrap(scores_N, 0.95) == pytest.approx((interval.low, interval.high), abs=1e-3)


def test_a_text_of_other_digits_is_not_shown(script):
    shows, printing = script["printed"].shows, script["printed"].Printing
    for shown, text, expected in (
        ("(54.3 %)", "54.3\xa0%", True),
        ("154.3 %", "54.3\xa0%", False),
        ("54.31", "54.3", False),
        ("48×48", "48", True),
        ("48×49", "48", False),
        ("Ad- vancedEmoteNet", "AdvancedEmoteNet", True),
        ("−4.2 [−5.6, −2.9]", "−4.2\xa0[−5.6,\xa0−2.9]", True),
        ("4.2 [−5.6, −2.9]", "−4.2\xa0[−5.6,\xa0−2.9]", False),
    ):
        assert shows(printing(1, 1, shown, ("", "")), text) == expected, shown


def test_a_number_in_the_row_of_another_model_is_found(script, judge):
    study, printing = judge.trials.study, script["printed"].Printing
    fact = {"key": "results.resemotenet.accuracy", "text": "54.3"}
    for row, agrees in (("ResEmoteNet", True), ("EmotionViT 47.1 37.0", False)):
        place = printing(1, 5, "54.3", (row, row))
        assert {each.agrees for each in script["report"]._in_row(study, fact, place)} == {agrees}
