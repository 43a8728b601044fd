"""The benchmark of a study's wall time: its sums, and a very small study."""

import pytest

from benchmarks import study
from benchmarks.study import times


def said(now, run, stage="train"):
    return now, "Progress", {"run_id": run, "stage": stage}


def note(now, text):
    return now, "Note", {"text": text}


def ended(now, run):
    return now, "Ended", {"run_id": run}


NOTED = [
    note(101.0, "Opening the dataset synthetic_faces"),
    said(108.0, "a", "data"),
    said(110.0, "a"),
    said(109.0, "b", "data"),
    said(111.0, "b"),
    said(115.0, "a"),
    ended(130.0, "a"),
    said(130.0, "c", "data"),
    said(132.0, "c"),
    ended(141.0, "b"),
    ended(150.0, "c"),
    note(151.0, "Auditing the dataset synthetic_faces"),
    note(155.0, "Measuring the cost of A"),
    note(164.0, "Measuring the cost of B"),
]


def test_the_parts_of_the_wall_time_add_up_to_it():
    found = times(NOTED, 100.0, 175.0, workers=2)
    assert found.wall == pytest.approx(75.0)
    assert found.before == 10.0
    assert found.compute == (20.0 + 30.0 + 18.0) / 2
    assert found.between == (1.0 + 2.0) / 2
    assert found.idle == 9.0 / 2  # the second worker, from 141 to 150
    assert (found.leaving, found.costs, found.audit) == (1.0, 20.0, 4.0)


def test_a_study_without_costs_and_audit_ends_with_its_last_run():
    found = times(NOTED[:-3], 100.0, 152.0, workers=2)
    assert (found.leaving, found.costs, found.audit) == (2.0, 0.0, 0.0)
    assert found.wall == pytest.approx(52.0)


def test_the_target_is_judged(capsys):
    found = times(NOTED, 100.0, 175.0, workers=2)
    assert not study.tell(found, 2, 3)
    assert "target: 1.15 x compute + 15 s" in capsys.readouterr().out


def test_a_model_that_the_quick_study_does_not_have_is_told(tmp_path):
    with pytest.raises(SystemExit, match="resemotenet"):
        study.study_folder(tmp_path, ("resnet",), small=True)


@pytest.mark.slow
def test_a_very_small_study_is_timed_packed_and_apart(capsys):
    assert study.main(["--small", "--jobs", "2"]) == 0
    out = capsys.readouterr().out
    assert "compute of 3 runs / 2 workers" in out
    assert "separate / packed trainings" in out
