"""Which run comes next: what is learned of one run changes the order of others."""

from paper_kit.bench.schedule import Pace, Schedule
from paper_kit.core.part import Part
from paper_kit.core.spec import RunSpec, Transfer
from paper_kit.core.store import RunState


def a_run(width, seed=0, **fields):
    return RunSpec(model=Part(name="resemotenet", arguments={"width": width}), seed=seed, epochs=10, **fields)


def test_equal_runs_start_in_their_order_and_a_run_tried_again_comes_last():
    runs = [a_run(8, seed) for seed in range(4)]
    schedule = Schedule(runs, Pace())
    assert schedule.next() == runs[0]
    schedule.again(runs[0].id)
    assert [schedule.next() for _ in range(5)] == [*runs[1:], runs[0], None]


def test_what_is_learned_of_one_run_moves_those_of_its_kind():
    small, large = [a_run(8, seed) for seed in range(2)], [a_run(64, seed) for seed in range(2)]
    pace = Pace()
    pace.learn(small[0], 5.0)
    pace.learn(large[0], 1.0)
    schedule = Schedule([*large, *small], pace)
    assert schedule.next() == small[0]
    pace.learn(large[0], 9.0)
    assert schedule.next() == large[0]


def test_of_two_unknown_runs_that_of_the_model_slower_on_other_images_starts_first():
    small, large = a_run(8), a_run(64)
    pace = Pace()
    for source, seconds in (
        (a_run(8, dataset="image_folder"), 1.0),
        (a_run(64, dataset="image_folder"), 3.0),
    ):
        pace.learn(source, seconds)
    assert Schedule([small, large], pace).next() == large


def test_runs_start_after_their_source_and_are_lost_with_it():
    sources = [a_run(8, seed, task="action_units") for seed in range(2)]
    results = [a_run(8, n, transfer=Transfer(source="run", run=run.id)) for n, run in enumerate(sources)]
    schedule = Schedule([*results, *sources], Pace())
    assert [schedule.next(), schedule.next(), schedule.next()] == [*sources, None]
    assert schedule.end(sources[0].id, RunState.DONE) == ()
    assert schedule.end(sources[1].id, RunState.FAILED) == (results[1],)
    assert schedule.next() == results[0]
    assert not schedule.waiting
