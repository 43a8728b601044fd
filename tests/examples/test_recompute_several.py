"""paper/examples/recompute over a made-up paper of the example's five experiments, most of three seeds."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.examples.conftest import ROOT, SCRIPT, judge_of, tells
from tests.examples.made_up import NAMES, SPLITS, made_up, plans
from tests.examples.planted import with_other_logits, without_run

pytestmark = [pytest.mark.slow, pytest.mark.tex, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(paper, slim pack) of made-up runs of the shipped experiments, built without their images."""
    from typer.testing import CliRunner

    from paper_kit.cli import app
    from paper_kit.core import slim
    from paper_kit.core.pack import pack

    root, found = tmp_path_factory.mktemp("several"), plans()
    store = made_up(root / "runs")
    with pytest.MonkeyPatch.context() as changed:
        changed.chdir(ROOT)
        changed.delenv("PAPERKIT_DATA", raising=False)
        places = ["--runs", str(root / "runs"), "--out", str(root / "pdf")]
        built = CliRunner().invoke(app, ["build-pdf", *NAMES, *places])
    assert built.exit_code == 0, built.output
    runs = [run.id for plan in found for run in plan.runs]
    pack(store, runs, root / "records.zip", needed=slim.needed(found))
    return root / "pdf" / "paper.pdf", root / "records.zip"


@pytest.fixture(scope="module")
def opened(script, made):
    return script["pages"].opened(made[0])


@pytest.fixture(scope="module")
def judged(script, opened, made):
    return judge_of(script, opened, made[1])


@pytest.fixture(scope="module")
def facts(opened):
    return {fact["key"]: fact for fact in json.loads(opened.attachment("provenance.json"))["facts"]}


@pytest.fixture(scope="module")
def run_of():
    """A function: an experiment, model, ablation and seed -> the run."""
    cells = {
        (row.experiment, row.model_key, row.ablation_key, row.seed): row.reading.run.id
        for plan in plans()
        for row in plan.rows
    }
    return lambda *cell: cells[cell]


def test_every_number_of_five_experiments_agrees_and_none_is_unchecked(made):
    done = subprocess.run([sys.executable, str(SCRIPT), *map(str, made)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    checked = {line[:28].strip(): line[28:].split() for line in done.stdout.splitlines()[1:]}
    assert int(checked["recomputed exactly"][0]) > 1000
    assert int(checked["within Monte-Carlo error"][0]) > 15
    assert int(checked["traced to a field"][0]) > 600
    assert int(checked["in the row of its name"][0]) > 200
    assert checked["of a map, not recomputed"] == ["0", "0"]  # figures/tsne.csv lies beside
    assert checked["unchecked"] == ["0", "0"]


def test_a_last_digit_that_is_changed_is_found_wherever_it_stands(missed_lies, opened, judged):
    told, missed = missed_lies(opened, judged)
    assert told > 2500
    assert missed == []


def test_a_deviation_over_seeds_that_is_changed_is_found(judged, facts):
    spread = {key: fact for key, fact in facts.items() if "±" in fact["text"] and fact["spread"] is not None}
    assert len(spread) > 50
    for fact in spread.values():
        mean, _, deviation = fact["text"].partition("±")
        assert not tells(judged, fact, "")
        assert tells(judged, {**fact, "text": f"{mean}±\N{NO-BREAK SPACE}9{deviation.strip()}"}, "")
        assert tells(judged, {**fact, "text": f"{mean}± none"}, "")


def test_a_number_of_another_experiment_is_found(judged, facts):
    names = [f" of {name}." for name in NAMES[1:]]
    swapped = 0
    for key, fact in facts.items():
        own = next((name for name in names if name in key), "")
        if not own or not key.startswith(("results", "audit", "counts", "settings", "data")):
            continue
        assert not tells(judged, fact, "") or key.startswith("settings")
        for other in (key.replace(own, name) for name in names if name != own):
            same = other in facts and facts[other]["text"] == fact["text"]
            swapped += not same and tells(judged, {**fact, "key": other}, "")
    assert swapped > 500


def test_other_logits_of_one_seed_of_a_further_study_are_found(script, made, run_of, tmp_path):
    packed = tmp_path / "records.zip"
    with_other_logits(made[1], packed, run_of("ferplus_small", "emotion_vit", "base", 1))
    wrong = {each.key for each in script["report"].report(made[0], packed).wrong}
    own = "results of ferplus_small.emotion_vit"
    assert {f"{own}.accuracy", f"{own}.macro_f1", f"{own}.ece", f"{own}.mean_recall"} <= wrong
    assert f"{own}.without.no_transfer.change" in wrong
    assert "audit of ferplus_small.emotion_vit.accuracy_deduplicated" in wrong
    assert any(key.startswith(f"family: {own}.") for key in wrong)
    others = ("results.", "results of published_small.", "results of ferplus_small.resemotenet.accuracy")
    assert not any(key.startswith(others) for key in wrong)


def test_a_run_that_is_not_packed_leaves_the_paper_unchecked(script, made, run_of, tmp_path):
    packed = tmp_path / "records.zip"
    without_run(made[1], packed, run_of("published_small", "mini_xception", "base", 2))
    wrong = script["report"].report(made[0], packed).wrong
    assert any("mini_xception, base, seed 2: 0 runs fit" in each.own for each in wrong)
    assert {each.kind for each in wrong} >= {"unchecked"}


def test_each_test_of_the_family_agrees_and_a_changed_one_is_found(script, judged):
    of_family, family = script["claimed"].of_family, judged.trials.family

    def wrong(changed):
        found = of_family(replace(judged.trials, family=changed))
        return {each.key.partition(":")[0] for each in found if not each.agrees or each.kind == "unchecked"}

    assert wrong(family) == set()
    at = next(at for at, test in enumerate(family) if test.left.startswith("results of ferplus_small"))
    test, others = family[at], [*family[:at], *family[at + 1 :]]
    for field, other in (("p", test.p * 1.001), ("p_holm", test.p_holm * 1.001), ("images", test.images - 1)):
        assert wrong([*others, replace(test, **{field: other})]) == {
            "images" if field == "images" else "family"
        }
    table = next(test for test in family if test.left.endswith("votes.change") and test.candidates == 1)
    assert "family" in wrong([test for test in family if test is not table])


def test_networks_of_other_images_or_of_another_number_of_seeds_are_no_pair(judged):
    averaged, own = judged.trials.averaged, "results of published_small.mini_xception.accuracy"
    for other in ("ferplus_small.emotion_vit", "fer2013_ablations.advanced_emotenet"):
        with pytest.raises(KeyError):
            averaged.scores(own, f"results of {other}.accuracy")
    other = "results of published_small.resemotenet_paper.accuracy"
    assert averaged.scores(own, other).shape == (3, SPLITS["test"])


def test_one_quantity_under_two_names_is_the_same(script, judged):
    own = judged.trials.studies.main.best_first[0]
    test = script["trials"].Test(
        "results.best.accuracy", f"results.{own}.accuracy", "difference", 1, 0, 1.0, 1.0
    )
    trials = replace(judged.trials, family=[*judged.trials.family, test])
    found = [each for each in script["claimed"].of_family(trials) if test.name in each.key]
    assert len(found) > 3
    assert all(each.agrees for each in found)
    assert trials.verdict(test.left, ">", test.right, 1) == "same"
