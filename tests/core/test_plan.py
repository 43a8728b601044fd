"""From experiment files to cells and trainings."""

import json
from pathlib import Path

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.experiment import load_experiment
from paper_kit.core.plan import BASE, idle_ablations, load_plans, plan
from paper_kit.core.spec import DEFAULTS, RunSpec

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
GOLDEN = Path(__file__).with_name("golden_defaults.json")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


STUDY = """
question = "Does it work?"
seeds = [0, 1]
[base]
epochs = 2
[[model]]
key = "net"
label = "Net"
part = { name = "resemotenet" }
[[ablation]]
key = "no_tta"
label = "w/o TTA"
reading = { views = ["identity"] }
[[ablation]]
key = "same"
label = "the base under another name"
set = { "epochs" = 2 }
"""


def test_the_frozen_defaults_are_what_they_were():
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == json.loads(json.dumps(DEFAULTS))


def test_the_quick_study_is_three_source_runs_and_twelve_trainings():
    planned = plan(load_experiment(EXPERIMENTS / "quick.toml"))
    assert len(planned.sources) == 3
    assert len(planned.trainings) == 12
    assert len(planned.rows) == 15
    assert planned.runs[:3] == planned.sources


def test_an_ablation_that_changes_nothing_of_a_model_is_named(tmp_path):
    planned = plan(load_experiment(write(tmp_path, STUDY)))
    assert idle_ablations((planned,)) == (
        "w/o TTA changes nothing of Net",  # the base has one view
        "the base under another name changes nothing of Net",
    )


def test_runs_that_resolve_to_one_spec_are_trained_once(tmp_path):
    planned = plan(load_experiment(write(tmp_path, STUDY)))
    assert len(planned.rows) == 6
    assert len(planned.runs) == 2


def test_without_tta_is_another_reading_of_the_same_run(tmp_path):
    rows = plan(load_experiment(write(tmp_path, STUDY))).rows
    base, without = (next(r for r in rows if r.ablation_key == key) for key in (BASE, "no_tta"))
    assert base.reading.run == without.reading.run
    assert base.reading.views == ("identity",)


def test_an_ablation_differs_from_its_base_in_the_declared_fields_only():
    planned = plan(load_experiment(EXPERIMENTS / "quick.toml"))
    rows = {row.ablation_key: row.reading.run for row in planned.rows if row.model_key == "emotion_vit"}
    without = rows["no_mixing"].short()
    assert without.pop("mixing") == {"mixup_alpha": 0.2, "cutmix_alpha": 1.0}
    base = rows[BASE].short()
    assert base.pop("mixing")["probability"] > 0
    assert base == without


def test_a_model_trained_without_transfer_has_no_source_run():
    planned = plan(load_experiment(EXPERIMENTS / "quick.toml"))
    for row in planned.rows:
        assert bool(row.reading.run.transfer.run) == (row.ablation_key != "no_transfer")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("epochs = 2\n[[model", "epocs = 2\n[[model", "unknown key 'epocs'. Did you mean 'epochs'?"),
        ('name = "resemotenet"', 'name = "resemotnet"', "Did you mean 'resemotenet'?"),
        ('name = "resemotenet"', 'name = "resemotenet", widht = 8', "'widht'. Did you mean 'width'?"),
        ('name = "resemotenet"', 'name = "resemotenet", width = "x"', "width = 'x' is not of type int"),
        ('views = ["identity"]', 'views = ["crop_tl"]', "add them to base.views"),
        ('views = ["identity"]', 'view = ["identity"]', "unknown key 'reading.view'"),
        ('key = "same"', 'key = "no_tta"', "stands twice"),
        ("[base]", "[base]\nseed = 3", "base.seed"),
        ("seeds = [0, 1]", "seeds = []", "at least one seed"),
        ('question = "Does it work?"', "", "'question' is missing"),
        ("seeds = [0, 1]", "seeds = [0, 1", "not valid TOML"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_experiment_file_is_told_with_its_cure(tmp_path, old, new, told):
    assert old in STUDY
    path = write(tmp_path, STUDY.replace(old, new))
    with pytest.raises(InputError) as caught:
        plan(load_experiment(path))
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_weights_of_the_hub_need_the_name_of_their_architecture(tmp_path):
    path = write(
        tmp_path, STUDY.replace("epochs = 2\n[[model", 'epochs = 2\ntransfer.source = "hub"\n[[model')
    )
    with pytest.raises(InputError, match=r"transfer\.architecture"):
        plan(load_experiment(path))


def test_every_shipped_experiment_can_be_planned():
    plans = load_plans(tuple(sorted(EXPERIMENTS.glob("*.toml"))))
    trainings = {plan.experiment.name: len(plan.trainings) for plan in plans}
    assert len(trainings) == len(list(EXPERIMENTS.glob("*.toml")))
    small = {"quick": 12, "fer2013_small": 12, "fer2013_cpu": 1, "ablations": 15}
    assert {name: trainings[name] for name in small} == small
    assert trainings["fer2013"] == trainings["rafdb"] == 3 * small["quick"]  # of three seeds


def test_a_missing_experiment_file_lists_those_that_are_there():
    with pytest.raises(InputError, match=r"quick\.toml"):
        load_plans((EXPERIMENTS / "quik.toml",))


@pytest.mark.parametrize("seed", [0, 3])
def test_the_id_of_a_seeded_spec_is_that_of_the_same_spec_written_out(seed):
    run = RunSpec(transfer={"source": "run", "freeze_epochs": 1}, seed=5, optim={"lr": 0.01})
    seeded = run.seeded(seed, "0123456789ab")
    assert seeded.id == RunSpec.model_validate(seeded.full()).id
    assert (seeded.seed, seeded.transfer.run, seeded.transfer.freeze_epochs) == (seed, "0123456789ab", 1)
    assert seeded == RunSpec.model_validate(seeded.full())


def test_a_changed_copy_of_a_spec_has_an_id_of_its_own():
    run = RunSpec()
    known = run.id
    changed = run.model_copy(update={"epochs": 7})
    assert changed.id == RunSpec(epochs=7).id != known
    assert "id" not in changed.model_dump()


def test_a_set_that_names_the_seed_is_refused(tmp_path):
    file = tmp_path / "study.toml"
    file.write_text(
        'question = "?"\n[[model]]\nkey = "net"\nlabel = "Net"\npart = "resemotenet"\nset = { seed = 3 }\n'
    )
    with pytest.raises(InputError, match="seed comes from `seeds`; remove it"):
        load_plans((file,))
