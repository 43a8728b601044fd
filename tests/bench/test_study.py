"""A study from its plans to its records and costs, with an engine that needs no torch."""

import os
import signal
import threading
from pathlib import Path

import pytest

from paper_kit.bench import costs, study
from paper_kit.bench.elsewhere import wait_for_work
from paper_kit.bench.executors import local
from paper_kit.bench.progress import Ended, Note
from paper_kit.bench.stopping import Stop, stopping
from paper_kit.bench.study import run_study, set_aside, to_train
from paper_kit.core.errors import InputError
from paper_kit.core.experiment import Experiment
from paper_kit.core.files import read_json, write_json
from paper_kit.core.owner import PERIOD_VARIABLE, this_process
from paper_kit.core.part import Part
from paper_kit.core.plan import plan
from paper_kit.core.spec import Resources, RunSpec
from paper_kit.core.store import RunState, Store
from paper_kit.data.cache import fingerprint_at_hand, open_dataset


@pytest.fixture(autouse=True)
def fake_engine(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(local, "RUN", "fake_engine:run_one")
    monkeypatch.setattr(costs, "MEASURE", "fake_engine:measure")
    monkeypatch.setattr(study, "open_dataset", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    for name in ("good", "other", "broken", "slow", "costly"):
        file = tmp_path / "plugins" / "model" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("def build(num_classes, *, image_size=48, channels=1): ...\n")
    (tmp_path / "experiments").mkdir()


def a_plan(*models, **fields):
    data = {"name": "synthetic_faces", "train": 28, "validation": 14, "test": 14}
    experiment = {
        "name": "study",
        "question": "?",
        "base": {"epochs": 2, "dataset": data, "mixing": {"probability": 0.5}},
        "model": [{"key": name, "label": name.title(), "part": {"name": name}} for name in models],
        "ablation": [{"key": "no_mixing", "label": "w/o mixing", "set": {"mixing.probability": 0.0}}],
    }
    return plan(Experiment.model_validate(experiment | fields))


def resources(**fields):
    return Resources(device="cpu", jobs=2, cache=Path("experiments/data"), **fields)


def run(planned, store, events=None, **options):
    report = (events if events is not None else []).append
    return run_study((planned,), store, options.pop("resources", resources()), report, **options)


def test_a_study_trains_what_is_missing_and_then_measures_each_base_once(tmp_path):
    store, planned, events = Store(tmp_path / "runs"), a_plan("good", "other"), []
    summary = run(planned, store, events)
    assert summary.finished
    assert len(summary.trained) == 4
    assert summary.measured == 2
    notes = [event.text for event in events if isinstance(event, Note)]
    assert notes == [
        "Opening the dataset synthetic_faces",
        "Measuring the cost of Good",
        "Measuring the cost of Other",
    ]
    assert {cost.model.name for cost in store.costs()} == {"good", "other"}


def test_a_plugin_with_a_queue_of_its_own_is_known_by_what_it_offers(tmp_path):
    own = tmp_path / "plugins" / "executor" / "lab_queue.py"
    own.parent.mkdir(parents=True)
    own.write_text("def execute(*_): ...\ndef unknown_job(job): return False\n")
    store, (one, *_), there = Store(tmp_path / "runs"), a_plan("good").runs, Part(name="lab_queue")
    with store.lease(one.id):
        assert to_train((one,), store, there) == (one,)
        assert to_train((one,), store) == ()
    assert not study._on_this_machine(there)


def test_a_lease_period_that_is_none_is_told_once_and_no_run_fails_for_it(tmp_path, monkeypatch):
    store = Store(tmp_path / "runs")
    monkeypatch.setenv(PERIOD_VARIABLE, "abc")
    with pytest.raises(InputError, match="PAPERKIT_LEASE_S = 'abc': expected seconds, such as 300") as error:
        run(a_plan("good", "other"), store)
    assert len(error.value.problems) == 1
    assert store.ids() == ()


def test_a_finished_study_does_nothing_and_starts_no_process(tmp_path, monkeypatch):
    store, planned = Store(tmp_path / "runs"), a_plan("good")
    run(planned, store)
    monkeypatch.setattr(local, "execute", None)
    monkeypatch.setattr(study, "open_dataset", None)
    monkeypatch.setattr(costs, "Team", None)
    monkeypatch.setattr(study, "ProcessPoolExecutor", None)
    summary = run(planned, store)
    assert summary.finished
    assert (summary.trained, summary.measured) == ((), 0)


def test_a_failed_run_is_told_and_tried_again_next_time(tmp_path):
    store, planned = Store(tmp_path / "runs"), a_plan("good", "broken")
    summary = run(planned, store)
    assert summary.count(RunState.DONE) == 2
    assert {reason for _, reason in summary.failed} == {"ValueError: the loss is not a number"}
    events = []
    again = run(planned, store, events)
    assert len([event for event in events if isinstance(event, Ended)]) == 2
    assert len(again.failed) == 2


def test_costs_of_one_machine_are_measured_together(tmp_path):
    store, planned = Store(tmp_path / "runs"), a_plan("good", "other")
    run(planned, store)
    assert costs.costs_to_measure((planned,), store) == []
    record = next((store.root / "costs").glob("*.json"))
    write_json(record, read_json(record) | {"device": "another machine"})
    assert len(costs.costs_to_measure((planned,), store)) == 2


def test_a_model_that_cannot_be_measured_does_not_stop_the_others(tmp_path):
    store, planned = Store(tmp_path / "runs"), a_plan("costly", "good")
    summary = run(planned, store)
    assert summary.measured == 1
    ((label, reason),) = summary.not_measured
    assert label == "Costly"
    assert reason.startswith("MemoryError: too large to measure; see ")


def test_only_trains_what_was_chosen_and_measures_nothing(tmp_path):
    store, planned = Store(tmp_path / "runs"), a_plan("good", "other")
    summary = run(planned, store, only=("good", "base"))
    assert len(summary.states) == 1
    assert summary.measured == 0
    assert not store.costs()


def test_at_the_time_limit_runs_stop_and_nothing_is_measured(tmp_path):
    store, planned = Store(tmp_path / "runs"), a_plan("slow", base={"epochs": 1000})
    summary = run(planned, store, resources=resources(time_limit_s=1.5))
    assert summary.stopped == "time"
    assert set(summary.states.values()) <= {RunState.PARTIAL, RunState.MISSING}
    assert summary.measured == 0


def test_ctrl_c_stops_after_an_epoch_and_leaves_what_can_be_resumed(tmp_path):
    store, planned = Store(tmp_path / "runs"), a_plan("slow", base={"epochs": 1000})
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    summary = run(planned, store)
    timer.join()
    assert summary.stopped == "interrupt"
    assert RunState.FAILED not in summary.states.values()


def test_the_second_ctrl_c_does_not_wait():
    with pytest.raises(KeyboardInterrupt), stopping() as stop:  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.why == "interrupt"
        os.kill(os.getpid(), signal.SIGINT)


def test_a_stop_without_a_limit_never_stops():
    assert not Stop()()
    assert Stop(1e-9).why == "time"


def test_a_dataset_that_is_not_at_hand_is_told_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    monkeypatch.setattr(study, "open_dataset", open_dataset)
    store, planned = Store(tmp_path / "runs"), a_plan("good", base={"dataset": "fer2013"})
    with pytest.raises(InputError, match="--data fer2013=PATH"):
        run(planned, store)
    assert store.ids() == ()


def test_stale_runs_are_set_aside_and_trained_again(tmp_path):
    store, planned = Store(tmp_path / "runs"), a_plan("good")
    run(planned, store)
    record = store.file(planned.runs[0].id, "record.json")
    write_json(record, read_json(record) | {"engine": 0})
    assert set_aside((planned,), store, resources()) == (planned.runs[0].id,)
    assert to_train(planned.runs, store) == (planned.runs[0],)
    assert run(planned, store).finished


def test_runs_of_another_process_are_left_to_it(tmp_path):
    store, planned = Store(tmp_path / "runs"), a_plan("good")
    with store.lease(planned.runs[0].id):
        assert to_train(planned.runs, store) == planned.runs[1:]


def of_another_machine(store, run, **changes):
    """The owner.json of a lease that a process of another machine holds, silent from here on."""
    owner = this_process("queue:7").model_copy(update={"machine": "another", **changes})
    place = store.folder(run.id) / "lease.1" / "owner.json"
    place.parent.mkdir(parents=True)
    place.write_text(owner.model_dump_json())
    return place


def test_a_run_that_another_machine_lost_is_trained_after_its_lease_period(tmp_path, monkeypatch):
    monkeypatch.setenv(PERIOD_VARIABLE, "1")
    store, planned, events = Store(tmp_path / "runs"), a_plan("good"), []
    of_another_machine(store, planned.runs[0])
    summary = run(planned, store, events, only=("good",))
    assert summary.finished
    assert sorted(summary.trained) == sorted(run.id for run in planned.runs)
    assert "Waiting for runs that other processes have: 1" in [getattr(event, "text", "") for event in events]


def test_a_run_of_a_living_process_is_left_to_it(tmp_path, monkeypatch):
    monkeypatch.setenv(PERIOD_VARIABLE, "60")
    store, planned = Store(tmp_path / "runs"), a_plan("good")
    heart = of_another_machine(store, planned.runs[0], period_s=60.0)

    def hear(event):
        os.utime(heart, (len(str(event)), 0))

    summary = run_study((planned,), store, resources(), hear, only=("good",))
    assert summary.trained == (planned.runs[1].id,)
    assert summary.count(RunState.RUNNING) == 1


def test_a_run_whose_job_its_queue_no_longer_knows_is_trained_at_once(tmp_path):
    store, planned = Store(tmp_path / "runs"), a_plan("good")
    of_another_machine(store, planned.runs[0])
    assert run(planned, store, only=("good",), executor=Part(name="fake_queue:execute")).finished


def test_runs_wait_for_a_source_that_another_process_trains(tmp_path, monkeypatch):
    monkeypatch.setenv(PERIOD_VARIABLE, "1")
    store, source = Store(tmp_path), RunSpec(task="action_units")
    after = RunSpec(transfer={"source": "run", "run": source.id})
    other, events = Store(tmp_path).lease(source.id), []
    other.__enter__()

    def finish(_event):
        events.append(_event)
        write_json(store.file(source.id, "record.json"), {})
        other.__exit__(None, None, None)

    assert wait_for_work((source, after), store, finish, Stop(), lambda _job: False) == (after,)
    assert len(events) == 1


def test_datasets_that_were_never_opened_are_decoded_side_by_side(monkeypatch):
    monkeypatch.setattr(study, "open_dataset", open_dataset)
    monkeypatch.setattr(study, "cores", lambda: 2)
    sizes = {"train": 28, "validation": 14, "test": 14}
    runs = [
        RunSpec(dataset=Part.model_validate({"name": name, **sizes}))
        for name in ("synthetic_faces", "synthetic_action_units")
    ]
    begun = []
    real = study.ProcessPoolExecutor
    monkeypatch.setattr(study, "ProcessPoolExecutor", lambda *a, **k: begun.append(a) or real(*a, **k))
    study.open_datasets(runs, resources(), lambda _: None)
    assert begun == [(2,)]
    for run in runs:
        assert fingerprint_at_hand(run.dataset, {}, resources().cache)
    study.open_datasets(runs, resources(), lambda _: None)
    assert len(begun) == 1


def test_of_datasets_decoded_side_by_side_every_problem_is_told(monkeypatch):
    monkeypatch.setattr(study, "open_dataset", open_dataset)
    monkeypatch.setattr(study, "cores", lambda: 2)
    runs = [
        RunSpec(dataset=Part.model_validate({"name": name, "train": -1}))
        for name in ("synthetic_faces", "synthetic_action_units")
    ]
    with pytest.raises(InputError) as raised:
        study.open_datasets(runs, resources(), lambda _: None)
    assert len(raised.value.problems) >= 2
