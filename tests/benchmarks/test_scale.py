"""The benchmark of large studies: its sums, its targets, small studies, and the simulated workers."""

import math

import numpy as np
import pytest

from benchmarks import scale
from benchmarks.many_runs import study
from benchmarks.scale import Spent
from benchmarks.workers import draw, uneven_runs
from paper_kit.core.record import RunRecord
from paper_kit.core.status import statuses
from paper_kit.core.store import RunState, Store


def test_the_exponent_of_linear_growth_is_one_whatever_is_fixed():
    assert scale.exponent([100, 1000, 10_000], [0.51, 0.6, 1.5]) == pytest.approx(1.0)
    quadratic = [0.5 + (runs / 1000) ** 2 for runs in (100, 1000, 10_000)]
    assert scale.exponent([100, 1000, 10_000], quadratic) > 1.9
    assert math.isnan(scale.exponent([10, 100, 1000], [1.0, 0.9, 2.0]))


def test_each_missed_target_counts(capsys):
    good = [Spent(1.0, 0.51, 80.0), Spent(1.0, 0.6, 90.0), Spent(2.0, 1.5, 99.0)]
    assert scale.tell_listed([100, 1000, 10_000], good) == 0
    assert scale.tell_listed([100, 1000, 10_000], [*good[:2], Spent(3.5, 9.5, 600.0)]) == 3
    assert scale.tell_rendered(1000, Spent(14.0, 20.0, 900.0)) == 0
    assert scale.tell_rendered(1000, Spent(16.0, 20.0, 2100.0)) == 2
    assert "exponent 1.00, target at most 1.1" in capsys.readouterr().out


def test_every_run_of_a_made_up_study_is_done_and_current(tmp_path):
    plan = study(tmp_path, 15, 21)
    store = Store(tmp_path / "experiments" / "runs")
    found = statuses((plan,), store)
    assert len(found) == 15
    assert {status.state for status in found} == {RunState.DONE}
    assert not any(status.stale for status in found)
    assert isinstance(store.record(found[0].run.id), RunRecord)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_hundred_workers_are_hardly_idle(seed):
    specs, seconds = uneven_runs(1000, np.random.default_rng(seed))
    found = draw(specs, seconds, 100)
    assert found.runs == len(seconds) == 1000
    assert 0 <= found.excess <= scale.EXCESS
    assert found.idle == pytest.approx(1 - found.ideal / found.wall, abs=0.01)


def test_one_worker_is_never_idle_and_no_schedule_is_better_than_the_ideal():
    specs, seconds = uneven_runs(30, np.random.default_rng(0))
    assert draw(specs, seconds, 1).excess == pytest.approx(0.0)
    assert draw(specs, seconds, 30).excess >= 0


@pytest.mark.slow
def test_small_studies_are_measured_without_judgement(capsys):
    assert scale.main(["--small"]) == 0
    out = capsys.readouterr().out
    assert "plan + status, finished runs" in out
    assert "growth: exponent" in out
    assert "10 workers, 200 runs" in out
