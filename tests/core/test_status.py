"""Which runs are stale, blocked or unknown, and what the selection of `--only` keeps."""

import pytest

from paper_kit.core.errors import InputError
from paper_kit.core.experiment import Experiment
from paper_kit.core.files import write_text
from paper_kit.core.part import code_hashes
from paper_kit.core.plan import chosen_runs, plan, run_labels
from paper_kit.core.record import RunRecord
from paper_kit.core.spec import ENGINE
from paper_kit.core.status import advice, statuses
from paper_kit.core.store import RunState, Store

MODELS = [
    {"key": "net", "label": "Net", "part": {"name": "resemotenet"}},
    {"key": "vit", "label": "ViT", "part": {"name": "emotion_vit"}},
]
ABLATION = {"key": "no_mixing", "label": "w/o mixup", "set": {"mixing.probability": 0.0}}


def a_plan(**fields):
    base = {"transfer": {"source": "run"}, "mixing": {"probability": 0.5}}
    experiment = {"name": "study", "question": "?", "base": base, "model": MODELS, "ablation": [ABLATION]}
    return plan(Experiment.model_validate(experiment | fields))


def a_record(run, **fields):
    code = code_hashes("model", run.model.name) | code_hashes("dataset", run.dataset.name)
    values = {
        "id": run.id,
        "spec": run.full(),
        "engine": ENGINE,
        "metrics": {},
        "selected_epoch": 1,
        "epochs_run": 1,
        "parameters": 1,
        "classes": ("a", "b"),
        "card": {},
        "data": {"fingerprint": run.dataset.name},
        "code": code,
    }
    return RunRecord.model_validate(values | fields)


def finished(store, *runs, **fields):
    for run in runs:
        store.begin(run)
        store.write_record(a_record(run, **fields))


def same_data(part):
    return part.name


def test_records_of_this_engine_code_and_data_are_not_stale(tmp_path):
    planned, store = a_plan(), Store(tmp_path)
    finished(store, *planned.runs)
    found = statuses((planned,), store, same_data)
    assert len(found) == 6
    assert {status.state for status in found} == {RunState.DONE}
    assert not any(status.stale or status.unknown for status in found)


def test_a_dataset_that_is_not_at_hand_is_unknown_and_not_stale(tmp_path):
    planned, store = a_plan(), Store(tmp_path)
    finished(store, *planned.runs)
    status = statuses((planned,), store)[-1]
    assert not status.stale
    assert status.unknown == ("whether the dataset synthetic_faces has changed",)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"engine": 0}, f"made by engine 0, now {ENGINE}"),
        ({"code": {"elsewhere.py": "0"}}, "the code has changed (paper_kit/"),
        ({"data": {"fingerprint": "other"}}, "the dataset synthetic_faces has changed"),
    ],
)
def test_a_stale_record_says_why(tmp_path, fields, reason):
    planned, store = a_plan(), Store(tmp_path)
    run = planned.runs[-1]
    finished(store, run, **fields)
    status = statuses((planned,), store, same_data)[-1]
    assert any(reason in told for told in status.stale)


def test_what_started_from_a_stale_source_is_stale(tmp_path):
    planned, store = a_plan(), Store(tmp_path)
    source = planned.sources[0]
    finished(store, source, engine=0)
    finished(store, *planned.runs[1:])
    stale = {status.run.id for status in statuses((planned,), store, same_data) if status.stale}
    assert stale == {source.id} | {run.id for run in planned.trainings if run.transfer.run == source.id}


def test_a_damaged_record_is_told_and_not_a_crash(tmp_path):
    planned, store = a_plan(), Store(tmp_path)
    write_text(store.file(planned.runs[0].id, "record.json"), "{")
    (told,) = statuses((planned,), store)[0].stale
    assert told.startswith(f"{planned.runs[0].id}/record.json: not readable as JSON (")
    assert told.endswith(").")


@pytest.mark.parametrize("reason", ["", "out of memory"])
def test_a_damaged_history_of_a_run_that_is_not_done_is_told_and_not_a_crash(tmp_path, reason):
    planned, store = a_plan(), Store(tmp_path)
    run = planned.runs[0]
    store.begin(run)
    write_text(store.file(run.id, "history.jsonl"), '{"epoch": "one"}\n')
    if reason:
        store.fail(run.id, reason, "")
    status = statuses((planned,), store)[0]
    assert status.word == "damaged"
    assert status.note.startswith(f"{run.id}/history.jsonl:1: 'epoch' is no number.")
    assert not status.stale
    assert "`paperkit run-all` sets the damaged runs aside and trains them again." in advice((status,))


def test_failed_and_cut_off_runs_carry_a_word(tmp_path):
    planned, store = a_plan(), Store(tmp_path)
    source, first = planned.sources[0], planned.trainings[0]
    store.begin(source)
    store.fail(source.id, "out of memory", "")
    store.begin(planned.sources[1])
    write_text(store.file(planned.sources[1].id, "history.jsonl"), '{"epoch": 1}\n')
    notes = {status.run.id: status.note for status in statuses((planned,), store)}
    assert notes[source.id] == "out of memory"
    assert notes[first.id] == f"its source run {source.id} failed: out of memory"
    assert notes[planned.sources[1].id] == "cut off after 1 of 30 epochs"


def test_only_keeps_models_and_ablations_with_their_sources():
    planned = a_plan()
    assert len(chosen_runs((planned,))) == 6
    assert len(chosen_runs((planned,), ("vit",))) == 3
    assert len(chosen_runs((planned,), ("vit", "base"))) == 2
    assert len(chosen_runs((planned,), ("no_mixing",))) == 4


def test_an_unknown_key_of_only_is_told_with_the_nearest():
    with pytest.raises(InputError, match=r"--only vitt: .* Did you mean 'vit'"):
        chosen_runs((a_plan(),), ("vitt",))


def test_runs_are_called_what_the_experiment_calls_them():
    planned = a_plan(seeds=[0, 1])
    assert set(run_labels((a_plan(),)).values()) >= {"Net, base", "Net, source", "ViT, w/o mixup"}
    assert "ViT, w/o mixup, seed 1" in run_labels((planned,)).values()
