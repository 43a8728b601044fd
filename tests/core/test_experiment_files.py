"""Every shipped experiment loads, plans, and says of itself what its header and its plan say."""

import functools
import re
from pathlib import Path

import pytest

from paper_kit.core.experiment import load_experiment
from paper_kit.core.plan import idle_ablations, plan

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
FILES = sorted(EXPERIMENTS.glob("*.toml"))
EACH = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
THREE = ("resemotenet", "advanced_emotenet", "emotion_vit")
SEALED = {"fer2013_small"}  # a built example names the file by its hash
HEADER = re.compile(r"^# (Question|Expected|Cost|Command): +(\S.*)$", re.MULTILINE)


@functools.cache
def planned(path):
    return plan(load_experiment(path))


@EACH
def test_an_experiment_is_planned_and_no_ablation_of_it_is_idle(path):
    found = planned(path)
    assert found.trainings
    assert idle_ablations((found,)) == ()
    assert len({run.id for run in found.runs}) == len(found.runs)


@EACH
def test_the_header_says_what_the_fields_say_and_the_command_names_the_file(path):
    experiment, text = planned(path).experiment, path.read_text(encoding="utf-8")
    said = dict(HEADER.findall(text.split("\n\n")[0]))
    assert list(said) == ["Question", "Expected", "Cost", "Command"]
    assert said["Command"].startswith(f"paperkit run-all experiments/{path.name}")
    assert experiment.question.endswith("?")
    if path.stem not in SEALED:
        fields = (experiment.question, experiment.expected, experiment.cost)
        assert (said["Question"], said["Expected"], said["Cost"]) == fields


@EACH
def test_the_cost_counts_the_trainings_of_the_plan(path):
    found = planned(path)
    experiment = found.experiment
    each = len(experiment.seeds) if " a seed" in experiment.cost else 1
    for word, runs in (("training", found.trainings), ("source run", found.sources)):
        told = re.search(rf"(\d+) {word}", experiment.cost)
        assert told is None or int(told[1]) * each == len(runs)
    if " seeds," in experiment.cost:
        assert f" {len(experiment.seeds)} seeds," in experiment.cost


@pytest.mark.parametrize("name", ["fer2013", "ferplus", "rafdb", "affectnet", "ckplus"])
def test_a_full_study_compares_the_three_models_with_the_same_four_ablations(name):
    found = planned(EXPERIMENTS / f"{name}.toml")
    experiment = found.experiment
    assert tuple(model.key for model in experiment.model) == THREE
    keys = [ablation.key for ablation in experiment.ablation]
    assert {"no_transfer", "no_mixing", "no_focal", "no_tta"} <= set(keys)
    for run in found.trainings:
        assert run.dataset.name == name
        assert run.precision == "bf16"
        asked = run.dataset.arguments.get("size", 48), run.dataset.arguments.get("channels", 1)
        assert asked == (run.image_size, run.channels)  # so that no batch is resized


def test_the_votes_of_ferplus_are_targets_in_training_only_and_all_else_is_the_base():
    rows = planned(EXPERIMENTS / "ferplus.toml").rows
    base, votes = (
        next(row.reading.run for row in rows if row.ablation_key == key) for key in ("base", "votes")
    )
    assert votes.dataset.arguments["labels"] == "cross_entropy"
    assert votes.model_copy(update={"dataset": base.dataset}) == base
