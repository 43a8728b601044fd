"""The miniature of a run agrees with the run itself."""

import json

import pytest

from paper_kit.bench import outcome, probed, train
from paper_kit.bench.probed import open_stages, run_bytes
from paper_kit.bench.run import run_one
from paper_kit.bench.run_probe import probe
from paper_kit.bench.transfer import trainable_stages
from paper_kit.core.part import Part, complete
from paper_kit.core.spec import Augment, Resources, RunSpec, Transfer
from paper_kit.core.store import RunState, Store


def tiny_run(**fields):
    return RunSpec(
        dataset=complete("dataset", Part(name="tests.bench.tiny:patterns")),
        model=complete("model", Part(name="tests.bench.tiny:build")),
        **{"image_size": 16, "batch_size": 16, "epochs": 3, "augment": Augment(flip=0.5), **fields},
    )


def test_the_arithmetic_knows_the_engine():
    assert probed.SAVE_EVERY_S == train.SAVE_EVERY_S
    assert probed.EMBEDDED == outcome.EMBEDDED
    for transfer in (
        Transfer(),
        Transfer(source="hub", freeze_epochs=0, stage_epochs=2),
        Transfer(source="run"),
    ):
        for epoch in range(1, 12):
            assert open_stages(transfer, 4, epoch) == len(trainable_stages(transfer, 4, epoch))


def test_a_probe_tells_the_size_of_a_runs_folder_and_times_all_its_parts(tmp_path):
    run, resources = tiny_run(), Resources(device="cpu", threads=1, cache=tmp_path / "data")
    found = probe(run, resources, seconds=0.1)
    assert (found.train, found.validation, found.test, found.stages) == (96, 32, 32, 3)
    times = (found.setup_s, found.all_step_s, found.image_s, found.checkpoint_s, found.cost_s)
    assert min(times) > 0
    assert found.first_step_s == found.all_step_s
    assert found.memory_mib > 50

    store = Store(tmp_path / "runs")
    assert run_one(run, store, resources) is RunState.DONE
    files = store.folder(run.id).iterdir()
    assert run_bytes(run, found) == pytest.approx(sum(file.stat().st_size for file in files), rel=0.05)
    row = json.loads(store.file(run.id, "history.jsonl").read_text().splitlines()[0])
    assert found.epoch_bytes == pytest.approx(len(json.dumps(row)), rel=0.2)


def test_a_probe_times_the_first_epochs_apart_where_few_stages_learn_in_them(tmp_path):
    run = tiny_run(transfer=Transfer(source="run", run="0" * 12))
    found = probe(run, Resources(device="cpu", threads=1, cache=tmp_path), seconds=0.1)
    assert 0 < found.first_step_s != found.all_step_s
