"""status says what happened and what to type; retry and gc."""

import pytest

from paper_kit.cli.retry import delete_checkpoints
from paper_kit.core.paper import experiment_files
from paper_kit.core.plan import all_runs, load_plans
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import NO_MEMORY, RunState, Store

BROKEN = '\n[[model]]\nkey = "broken"\nlabel = "Broken"\npart = "broken"\n'


def store_of(root):
    return Store(root / "experiments" / "runs")


def runs_of(root):
    return all_runs(load_plans(experiment_files(root)))


def test_status_tells_what_happened_to_each_run_and_what_to_type(root, paperkit):
    store, (first, second, third, _) = store_of(root), runs_of(root)
    for run in (first, second, third):
        store.begin(run)
    store.fail(first.id, f"{NO_MEMORY} for a batch. Set micro_batch = 32.", "")
    store.file(second.id, "history.jsonl").write_text('{"epoch": 1}\n')
    store.file(third.id, "record.json").write_text("{")
    said = paperkit("status").stdout
    assert "Set micro_batch = 32." in said
    assert "cut off after 1 of 2 epochs" in said
    assert "damaged" in said
    assert "`paperkit retry` tries the failed runs again" in said
    assert "`paperkit retry --oom halve` halves the micro_batch" in said
    assert "`paperkit run-all` trains what is missing, and goes on where a run was cut off." in said
    assert "`paperkit run-all` sets the damaged runs aside and trains them again." in said


def test_retry_runs_the_failed_again_and_nothing_else(root, paperkit):
    store, (first, second, *_) = store_of(root), runs_of(root)
    store.begin(first)
    store.fail(first.id, "the machine was switched off", "")
    store.file(first.id, "checkpoint.pt").write_bytes(b"old")
    wrong = paperkit("retry", second.id)
    assert wrong.exit_code == 2
    assert "this run has not failed; see `paperkit status`" in wrong.stderr
    result = paperkit("retry", first.id, "--from-start", "--jobs", 1)
    assert result.exit_code == 0, result.stderr
    assert "1 run trained" in result.stdout
    assert not store.file(first.id, "checkpoint.pt").exists()
    assert store.state(first) is RunState.DONE
    assert store.state(second) is RunState.MISSING
    assert "No run has failed" in paperkit("retry").stdout


def test_retry_from_the_start_deletes_no_checkpoint_before_it_can_begin(root, paperkit):
    store, (run, *_) = store_of(root), runs_of(root)
    store.begin(run)
    store.fail(run.id, "the machine was switched off", "")
    for name in ("checkpoint.pt", "checkpoint.before.pt"):
        store.file(run.id, name).write_bytes(b"old")
    assert paperkit("retry", "--from-start", "--data", "nothing").exit_code == 2
    assert len(list(store.folder(run.id).glob("checkpoint*"))) == 2
    with store.lease(run.id):
        delete_checkpoints(Store(store.root), [run.id])
    assert len(list(store.folder(run.id).glob("checkpoint*"))) == 2
    delete_checkpoints(store, [run.id])
    assert not list(store.folder(run.id).glob("checkpoint*"))


def test_a_damaged_record_is_named_and_its_run_is_trained_again(finished, paperkit):
    store, run = store_of(finished), runs_of(finished)[0]
    store.file(run.id, "record.json").write_text("{")
    result = paperkit("run-all", "--jobs", 1)
    assert result.exit_code == 0, result.stderr
    assert f"{run.id}.old-1; the run is trained again" in result.stderr
    assert "1 run trained" in result.stdout


def strangers(store):
    """Ids of: a run of no experiment, one at work, and the source run of the latter."""
    alone, source = RunSpec(epochs=7), RunSpec(epochs=8, task="action_units")
    at_work = RunSpec(epochs=9, transfer={"source": "run", "run": source.id})
    for spec in (alone, source, at_work):
        store.begin(spec)
    return alone.id, at_work.id, source.id


def test_gc_moves_what_no_experiment_refers_to_and_nothing_that_is_in_use(finished, paperkit):
    store, planned = store_of(finished), {run.id for run in runs_of(finished)}
    alone, at_work, source = strangers(store)
    store.forget(next(iter(planned)))
    with store.lease(at_work):
        shown = paperkit("gc")
        assert "paperkit gc --move" in shown.stdout
        assert alone in shown.stdout
        assert ".old-1" in shown.stdout
        assert not {at_work, source} & set(shown.stdout.split())
        assert store.folder(alone).exists()
        moved = paperkit("gc", "--move")
        assert "2 of 2 moved to" in moved.stdout
    assert not store.folder(alone).exists()
    assert store.folder(at_work).exists()
    assert store.folder(source).exists()
    (kept,) = store.root.glob(f"trash/*/{alone}/spec.json")
    assert kept.is_file()
    assert {run_id for run_id in planned if store.folder(run_id).exists()} == planned - {next(iter(planned))}


@pytest.mark.usefixtures("finished")
def test_gc_says_where_there_is_nothing_to_move(paperkit):
    assert "nothing lies there that no experiment refers to" in paperkit("gc").stdout


def test_experiments_that_the_paper_does_not_name_count_for_gc(finished, paperkit):
    other = finished / "experiments" / "other.toml"
    other.write_text(
        (finished / "experiments" / "study.toml").read_text().replace("epochs = 2", "epochs = 5")
    )
    (run,) = [one for one in all_runs(load_plans((other,))) if one.model.name == "good"][:1]
    store_of(finished).begin(run)
    assert "nothing lies there" in paperkit("gc").stdout
    other.unlink()
    assert run.id in paperkit("gc").stdout
