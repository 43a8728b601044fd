"""What `paperkit estimate` tells, with a probe that needs no torch."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from paper_kit.bench import estimate as module
from paper_kit.bench.audit_probe import audit_seconds, extrapolated
from paper_kit.bench.estimate import MIB, estimate, recorded_pace, representatives, schedule_seconds
from paper_kit.bench.probed import Probed, kind, open_stages, run_bytes, run_seconds, training_seconds
from paper_kit.bench.room import free_bytes, machine_bytes, resident_bytes
from paper_kit.cli.estimate import as_table, tell
from paper_kit.core.errors import InputError, PaperkitError
from paper_kit.core.experiment import Experiment
from paper_kit.core.files import write_json, write_text
from paper_kit.core.part import Part
from paper_kit.core.plan import plan
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import Augment, Loss, Optim, Resources, RunSpec, Transfer
from paper_kit.core.store import Store
from paper_kit.data.cache import open_dataset
from tests.bench.fake_engine import RECORD
from tests.bench.fake_probe import PROBED

FAKE = Probed(**PROBED)
UNFREEZING = Transfer(source="run", run="0" * 12, freeze_epochs=2, stage_epochs=1)


def test_runs_that_differ_in_seed_rate_or_length_are_of_one_kind():
    base = RunSpec(batch_size=10)
    alike = [
        {"seed": 3}, {"epochs": 99}, {"loss": Loss(gamma=2.0)}, {"optim": Optim(lr=0.5, weight_decay=0.1)},
        {"transfer": UNFREEZING}, {"train_fraction": 0.5},
    ]  # fmt: skip
    other = [
        {"batch_size": 20}, {"loss": Loss(r_drop=0.5)}, {"optim": Optim(ema_decay=0.9)}, {"compile": True},
        {"augment": Augment(randaugment_ops=2)}, {"image_size": 64}, {"precision": "bf16"},
    ]  # fmt: skip
    assert {kind(base.model_copy(update=fields)) for fields in alike} == {kind(base)}
    assert kind(base) not in {kind(base.model_copy(update=fields)) for fields in other}


def test_the_run_that_is_probed_begins_with_few_stages_where_one_of_its_kind_does():
    whole, other = RunSpec(), RunSpec(image_size=64)
    unfreezing = RunSpec(transfer=UNFREEZING)
    assert representatives([whole, other, unfreezing]) == {kind(whole): unfreezing, kind(other): other}


def test_a_run_takes_its_steps_by_how_many_stages_learn_and_what_stands_around_them():
    run = RunSpec(batch_size=10, epochs=5, views=("identity", "flip"), transfer=UNFREEZING)
    learning = [open_stages(run.transfer, 4, epoch) for epoch in range(1, 6)]
    assert learning == [1, 1, 2, 3, 4]
    assert training_seconds(run, FAKE) == pytest.approx(10 * (0.1 + 0.1 + 0.2 + 0.3 + 0.4))
    ending = 2.0 + (2 * (2 * 30 + 20) + 30) * 0.01
    assert run_seconds(run, FAKE) == pytest.approx(1.0 + 11.0 + 5 * 20 * 0.01 + 1 * 0.5 + ending)
    assert run_seconds(run, FAKE, epochs_done=4) == pytest.approx(1.0 + 4.0 + 0.2 + ending)
    assert run_seconds(run, FAKE, 4, pace=1.5) == pytest.approx(1.0 + 6.0 + 0.2 + ending)
    half = run.model_copy(update={"train_fraction": 0.5})
    assert training_seconds(half, FAKE) == pytest.approx(5.5)


def test_each_set_of_stages_is_compiled_once():
    run = RunSpec(batch_size=10, epochs=5, transfer=UNFREEZING, compile=True)
    compiled = replace(FAKE, first_begin_s=5.0, all_begin_s=20.0)
    assert training_seconds(run, compiled) - training_seconds(run, FAKE) == pytest.approx(3 * 5 + 20)
    plain = run.model_copy(update={"compile": False})
    assert training_seconds(plain, compiled) - training_seconds(plain, FAKE) == pytest.approx(5), "a warm-up"


def test_a_folder_holds_weights_rows_predictions_and_embeddings():
    run = RunSpec(epochs=5)
    assert run_bytes(run, FAKE) == 1000 + 5 * 100 + 50 * 10 + 30 * 5
    assert run_bytes(run.model_copy(update={"task": "action_units"}), FAKE) == 1000 + 5 * 100 + 50 * 10


def runs_of(*seconds):
    runs = [RunSpec(seed=number) for number in range(len(seconds))]
    return runs, {run.id: float(length) for run, length in zip(runs, seconds, strict=True)}


def test_the_wall_time_is_that_of_the_executors_order():
    assert schedule_seconds(*runs_of(1, 2, 3, 6), jobs=2) == 6.0
    assert schedule_seconds(*runs_of(1, 2, 3, 6), jobs=1) == 12.0
    assert schedule_seconds(*runs_of(5, 5, 5), jobs=2) == 10.0
    assert schedule_seconds([], {}, jobs=2) == 0.0


def test_a_run_waits_for_its_source():
    source = RunSpec(task="action_units")
    after = RunSpec(transfer=Transfer(source="run", run=source.id))
    other = RunSpec(seed=1)
    lengths = {source.id: 3.0, after.id: 4.0, other.id: 1.0}
    assert schedule_seconds([source, after, other], lengths, jobs=2) == 7.0


def record_of(run, seconds, **environment):
    where = {"device_name": "a machine", "threads": 1} | environment
    return RunRecord.model_validate(
        RECORD | {"id": run.id, "spec": run.full(), "seconds": seconds, "epochs_run": 2, "environment": where}
    )


def test_records_of_the_same_machine_sharpen_the_estimate_and_others_do_not():
    run = RunSpec(batch_size=10, epochs=9)  # two epochs of ten steps of 0.4 s: 8 s
    assert recorded_pace([], FAKE, 1) == 1.0
    assert recorded_pace([record_of(run, 8 * 1.44)], FAKE, 1) == pytest.approx(1.2)
    assert recorded_pace([record_of(run, 8 * 1.44, threads=2)], FAKE, 1) == 1.0
    assert recorded_pace([record_of(run, 8 * 1.44, device_name="another")], FAKE, 1) == 1.0
    assert recorded_pace([record_of(run, 80.0)], FAKE, 1) == 1.0, "so far away is another condition"


@pytest.fixture
def study(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(module, "PROBE", "fake_probe:probe")
    monkeypatch.setattr(module, "audit_seconds", lambda _dataset: 3.0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()
    for name in ("good", "broken"):
        write_text(
            tmp_path / "plugins" / "model" / f"{name}.py",
            "def build(num_classes, *, image_size=48, channels=1): ...\n",
        )
    return tmp_path


def a_plan(model="good", **base):
    data = {"name": "synthetic_faces", "train": 28, "validation": 14, "test": 14}
    fields = {"epochs": 2, "batch_size": 10, "dataset": data, "mixing": {"probability": 0.5}} | base
    return plan(
        Experiment.model_validate(
            {
                "name": "study",
                "question": "?",
                "base": fields,
                "model": [{"key": "net", "label": "Net", "part": {"name": model}}],
                "ablation": [{"key": "no_mixing", "label": "w/o mixing", "set": {"mixing.probability": 0.0}}],
            }
        )
    )


def estimated(study, planned, **resources):
    settings = {"device": "cpu", "jobs": 2, "threads": 1, "cache": study / "data", **resources}
    return estimate((planned,), Store(study / "runs"), Resources(**settings), lambda _event: None)


def test_a_study_is_estimated_and_what_is_done_is_not_counted(study, capsys):
    planned = a_plan()
    found = estimated(study, planned)
    each = 1.0 + 2 * 10 * 0.4 + 2 * 20 * 0.01 + 2.0 + (2 * 80 + 30) * 0.01
    assert [run.seconds for run in found.runs] == pytest.approx([each, each])
    assert (found.done, found.jobs, found.threads, found.device) == (0, 2, 1, "a machine")
    assert found.training_s == pytest.approx(each)
    assert (found.audit_s, found.cost_s) == (3.0, pytest.approx(7.0 + found.start_s))
    assert found.seconds == pytest.approx(2 * found.start_s + each + 7.0 + 3.0)
    assert found.worker_mib == 500.0
    assert 2 * 500 < found.study_mib < 2 * 500 + machine_bytes() / 2**20  # and this process
    assert found.checkpoint_bytes == 3 * 2 * 4000
    assert found.warnings == ()
    tell(found)
    told = capsys.readouterr().out
    assert "Net, w/o mixing" in told
    assert "2 runs, 2 workers with 1 thread" in told
    assert json.loads(json.dumps(as_table(found)))["seconds"] == pytest.approx(found.seconds)

    run = planned.runs[0]
    write_json(study / "runs" / run.id / "record.json", record_of(run, 0.0).model_dump(mode="json"))
    again = estimated(study, planned, jobs=1)
    assert (again.done, [one.id for one in again.runs]) == (1, [planned.runs[1].id])


def test_a_study_that_is_done_starts_no_process(study, capsys, monkeypatch):
    planned = a_plan()
    for run in planned.runs:
        write_json(study / "runs" / run.id / "record.json", record_of(run, 1.0).model_dump(mode="json"))
    monkeypatch.setattr(module, "Team", None)
    monkeypatch.setattr(module, "costs_to_measure", lambda *_: [])
    monkeypatch.setattr(module, "outdated", lambda _: False)
    tell(estimated(study, planned))
    assert capsys.readouterr().out == "All 2 runs are done; nothing is left to be estimated.\n"


def test_a_dataset_that_is_not_at_hand_is_told_with_what_to_type(study, monkeypatch):
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    monkeypatch.setattr(module, "Team", None)
    with pytest.raises(InputError, match="--data fer2013=PATH"):
        estimated(study, a_plan(dataset="fer2013"))


def test_what_a_probe_stumbles_over_is_told(study):
    with pytest.raises(PaperkitError, match="too large for this machine"):
        estimated(study, a_plan("broken"), jobs=1)


def test_what_does_not_fit_is_said_with_what_to_type(study):
    found = estimated(study, a_plan(), jobs=1)
    tight = replace(found, jobs=2, study_mib=9000.0, machine_mib=8000.0, kept_bytes=99 * MIB, free_bytes=MIB)
    memory, disk = tight.warnings
    assert "--jobs 1" in memory
    assert "keep_weights = false" in disk


def test_an_audit_is_extrapolated_by_images_and_by_pairs(tmp_path):
    assert extrapolated(1.0, 2.0, 10) == pytest.approx(20.0)
    assert extrapolated(1.0, 4.0, 10) == pytest.approx(400.0)
    assert extrapolated(1.0, 3.0, 10) == pytest.approx(10 + 200)
    part = Part(name="synthetic_faces", arguments={"train": 28, "validation": 14, "test": 14})
    assert audit_seconds(open_dataset(part, {}, tmp_path)) > 0


def test_the_room_of_the_machine_is_known(tmp_path):
    assert machine_bytes() > resident_bytes() > 0
    assert free_bytes(tmp_path / "not" / "there") > 0
