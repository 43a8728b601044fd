"""Too little memory: the run stops with what to set, or goes on in halves and says so."""

import pytest
import torch

from paper_kit.bench import run, train
from paper_kit.bench.run import run_one
from paper_kit.core.incidents import incidents
from paper_kit.core.plan import all_runs
from paper_kit.core.spec import Resources
from paper_kit.core.status import advice, statuses
from paper_kit.core.store import RunState, Store
from tests.faults.tiny_study import a_plan


@pytest.fixture
def asked():
    """The training from scratch: batches of 8, three epochs."""
    return next(spec for spec in all_runs((a_plan(),)) if spec.task == "emotion" and not spec.transfer.run)


@pytest.fixture
def room(monkeypatch):
    """Batches of more than `most` images do not fit from the second epoch on."""

    def with_room_for(most):
        real = train.forward

        def forward(t, images, targets):
            if len(images) > most and t.epoch:
                raise torch.OutOfMemoryError("tried to allocate 99 GiB")
            return real(t, images, targets)

        monkeypatch.setattr(train, "forward", forward)
        monkeypatch.setattr(train, "SAVE_EVERY_S", 0.0)

    return with_room_for


def test_without_room_a_run_stops_and_status_says_what_to_type(asked, room, place):
    room(4)
    store = Store(place / "runs")
    found = run_one(asked, store, Resources(device="cpu", threads=1, cache=place / "data"))
    assert found is RunState.FAILED
    assert "Set micro_batch = 4." in store.reason(asked.id)
    told = advice(statuses((a_plan(),), store))
    assert "`paperkit retry --oom halve` halves the micro_batch where memory was too small." in told


def test_in_halves_a_run_goes_on_from_its_last_epoch_and_its_record_names_the_deviation(asked, room, place):
    room(2)
    store = Store(place / "runs")
    resources = Resources(device="cpu", threads=1, cache=place / "data", oom="halve")
    assert run_one(asked, store, resources) is RunState.DONE, store.reason(asked.id)
    told = "micro_batch 2 in place of 8 from epoch 2 on: out of memory"
    assert store.record(asked.id).deviations == (told,)
    assert store.record(asked.id).spec["micro_batch"] == asked.micro_batch == 0
    assert any(told in line for line in incidents(store, asked.id))
    assert [row["epoch"] for row in store.history(asked.id)] == [1, 2, 3]
    (status,) = [one for one in statuses((a_plan(),), store) if one.run == asked]
    assert status.note == told


def test_a_run_that_was_stopped_after_it_was_halved_goes_on_as_it_was(asked, room, place):
    room(4)
    store = Store(place / "runs")
    resources = Resources(device="cpu", threads=1, cache=place / "data", oom="halve")
    stops = iter([False, True])
    assert run_one(asked, store, resources, should_stop=lambda: next(stops)) is RunState.PARTIAL
    room(8)
    assert run_one(asked, store, resources) is RunState.DONE
    (told,) = store.record(asked.id).deviations
    assert told.startswith("micro_batch 4 in place of 8 from epoch 2")


def test_one_image_that_does_not_fit_ends_the_halving(asked, room, place):
    room(0)
    store = Store(place / "runs")
    resources = Resources(device="cpu", threads=1, cache=place / "data", oom="halve")
    assert run_one(asked, store, resources) is RunState.FAILED
    assert store.reason(asked.id).startswith(run.NO_MEMORY)
