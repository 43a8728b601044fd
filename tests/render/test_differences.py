"""Two builds compared: which printed numbers changed, and the reason that each is given."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.experiment import merge
from paper_kit.core.files import read_json, write_json
from paper_kit.core.paper import experiment_files
from paper_kit.core.plan import load_plans
from paper_kit.core.store import Store
from paper_kit.render.build import build_paper
from paper_kit.render.differences import Build, Difference, differences, load_build
from paper_kit.render.request import Request
from tests.analysis.fabricated import write_run
from tests.sealed import finish, run_ids, study

ACCURACY = "results.emotion_vit.accuracy"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    made = study(tmp_path / "study")
    monkeypatch.chdir(made)
    return made


def rendered(root: Path, name: str) -> Build:
    return load_build(build_paper(Request(compile=False, out=root / name), root).folder)


def changed(root: Path) -> dict[str, Difference]:
    """Fact -> its difference between a build before the change, in "a", and one now."""
    before = load_build(root / "a")
    return {each.fact: each for each in differences(before, rendered(root, "b"))}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_equal_builds_do_not_differ(root: Path) -> None:
    rendered(root, "a")
    assert changed(root) == {}


def test_a_changed_setting_is_named_with_both_values(root: Path) -> None:
    rendered(root, "a")
    edit(root / "experiments" / "study.toml", "gamma = 2.0", "gamma = 0.5")
    finish(root, load_plans(experiment_files(root)))
    found = changed(root)[ACCURACY]
    assert found.why == ("setting: loss.gamma 2.0 → 0.5",)
    assert found.old != found.new
    assert 0 < found.size < 1


@pytest.mark.parametrize(("seeds", "told"), [("[0, 5]", "0, 1 → 0, 5"), ("[0, 1, 2]", "0, 1 → 0, 1, 2")])
def test_other_seeds_are_named(root: Path, seeds: str, told: str) -> None:
    rendered(root, "a")
    edit(root / "experiments" / "study.toml", "seeds = [0, 1]", f"seeds = {seeds}")
    finish(root, load_plans(experiment_files(root)))
    assert changed(root)[ACCURACY].why == (f"seed: {told}",)


def again(root: Path, **more: Any) -> None:
    """Nothing; the base runs of EmotionViT have predictions of other images, and their records say more."""
    store = Store(root / "experiments" / "runs")
    for spec in (store.spec(run) for run in run_ids(root)):
        if spec.model.name == "emotion_vit":
            write_run(store, spec, images=90)
            record = read_json(store.file(spec.id, "record.json"))
            write_json(store.file(spec.id, "record.json"), merge(record, more))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"code": {"paper_kit/bench/losses.py": "0"}}, "code: paper_kit/bench/losses.py"),
        ({"data": {"fingerprint": "e" * 16}}, f"data: fingerprint {'f' * 16} → {'e' * 16}"),
        ({"engine": 2}, "code: engine 1 → 2"),
        ({"metrics": {"accuracy": 0.1}}, "run: EmotionViT, base, seed 0 was trained again"),
        ({"environment": {"torch": "3.0"}}, "environment: torch 2.9.0 → 3.0"),
    ],
)
def test_a_run_made_again_says_what_was_different(root: Path, more: dict[str, Any], told: str) -> None:
    rendered(root, "a")
    again(root, **more)
    why = changed(root)[ACCURACY].why
    assert len(why) == (2 if "metrics" in more else 1)
    assert why[0].startswith(told)


def test_a_number_that_is_no_longer_printed_is_told_last(root: Path) -> None:
    rendered(root, "a")
    template = root / "templates" / "manuscript.tex"
    edit(template, r"There are \VAR{counts.models} models.", r"There are \VAR{counts.seeds} seeds.")
    edit(root / "experiments" / "study.toml", "gamma = 2.0", "gamma = 0.5")
    finish(root, load_plans(experiment_files(root)))
    found = changed(root)
    assert found["counts.models"].why == ("template: no longer printed",)
    assert found["counts.seeds"].why == ("template: printed now",)
    assert set(list(found)[-2:]) == {"counts.models", "counts.seeds"}


def test_another_form_of_the_same_value_is_a_matter_of_the_template(root: Path) -> None:
    rendered(root, "a")
    edit(root / "templates" / "manuscript.tex", "counts.models}", "counts.models.ordinal}")
    found = changed(root)["counts.models"]
    assert (found.size, found.why) == (0.0, ("rounding: the value itself is the same",))
    edit(root / "templates" / "manuscript.tex", "There are", r"In \VAR{counts.models.text}:")
    assert "counts.models" in changed(root)


def fact(value: float, text: str, **origin: Any) -> Mapping[str, Any]:
    known = {"readings": [], "runs": [], "seeds": [], "fields": [], "formula": ""}
    return {
        "key": "results.x", "text": text, "value": value, "kind": "percent", "unit": "",
        "origin": {**known, **origin},
    }  # fmt: skip


def test_a_change_that_rounding_hides_is_no_printed_difference() -> None:
    before, after = Build([fact(0.5, "50 %")], {}, {}), Build([fact(0.5001, "50 %")], {}, {})
    assert differences(before, after) == ()


def test_another_formula_is_named() -> None:
    before = Build([fact(0.5, "50 %", runs=["a"], formula="mean")], {}, {})
    after = Build([fact(0.6, "60 %", runs=["a"], formula="best of 3")], {}, {})
    assert differences(before, after)[0].why == ("formula: mean → best of 3",)


def test_another_reading_of_the_same_run_is_named() -> None:
    one, two = ["a", ["identity"], "probability"], ["a", ["identity", "flip"], "probability"]
    before = Build([fact(0.5, "50 %", readings=[one])], {}, {})
    after = Build([fact(0.6, "60 %", readings=[two])], {}, {})
    assert "setting: read as ['identity'] probability → " in differences(before, after)[0].why[0]


def test_where_the_runs_are_the_same_the_changed_inputs_are_named() -> None:
    before = Build([fact(0.5, "50 %")], {}, {"code": {"paper_kit/stats/metrics.py": "1"}})
    after = Build([fact(0.6, "60 %")], {}, {"code": {"paper_kit/stats/metrics.py": "2"}})
    assert differences(before, after)[0].why == ("code: paper_kit/stats/metrics.py",)
    blind = Build([fact(0.6, "60 %")], {}, {})
    assert differences(before, blind)[0].why[0].startswith("code: what computes it changed")


def test_a_run_that_nobody_knows_is_told_as_such() -> None:
    before, after = (
        Build([fact(0.5, "50 %", runs=["a"])], {}, {}),
        Build([fact(0.6, "60 %", runs=["b"])], {}, {}),
    )
    assert differences(before, after)[0].why == ("runs: a, b, whose settings are not at hand",)


def test_a_setting_of_the_whole_study_names_itself(root: Path) -> None:
    edit(root / "templates" / "manuscript.tex", "There are", r"Of \VAR{settings.loss.gamma}:")
    rendered(root, "a")
    edit(root / "experiments" / "study.toml", "gamma = 2.0", "gamma = 0.5")
    edit(root / "experiments" / "study.toml", "epochs = 6", "epochs = 9")
    finish(root, load_plans(experiment_files(root)))
    found = changed(root)
    assert found["settings.loss.gamma"].why == ("setting: loss.gamma 2.0 → 0.5",)
    assert set(found[ACCURACY].why) == {"setting: loss.gamma 2.0 → 0.5", "setting: epochs 6 → 9"}


def test_runs_that_a_build_does_not_tell_of_are_found_in_the_store(root: Path) -> None:
    rendered(root, "a")
    (root / "a" / "runs.json").unlink()
    assert load_build(root / "a").runs == {}
    found = load_build(root / "a", Store(root / "experiments" / "runs")).runs
    assert set(found) <= set(run_ids(root))
    assert found[run_ids(root)[0]]["spec"]["loss"]["gamma"] == 2.0


def test_a_build_is_named_by_its_folder_or_a_file_of_it(root: Path) -> None:
    made = rendered(root, "a")
    assert load_build(root / "a" / "facts.json") == made
    with pytest.raises(InputError, match="expected a build folder"):
        load_build(root / "nothing")
    write_json(root / "a" / "facts.json", [{"key": "x"}])
    with pytest.raises(InputError, match="paperkit render"):
        load_build(root / "a")
    shutil.rmtree(root / "a")
