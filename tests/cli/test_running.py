"""run-all, plan and status."""

import tomllib

import pytest

from paper_kit.bench import costs, study
from paper_kit.core.store import Store

BROKEN = '\n[[model]]\nkey = "broken"\nlabel = "Broken"\npart = "broken"\n'


@pytest.mark.usefixtures("root")
def test_run_all_trains_measures_and_says_what_is_next(paperkit):
    result = paperkit("run-all", "--jobs", 1)
    assert result.exit_code == 0
    assert "4 of 4 runs done (4 runs trained, 2 models measured, in" in result.stdout
    assert "Next: paperkit build-pdf" in result.stdout
    assert "[4/4]" in result.stderr


@pytest.mark.usefixtures("finished")
def test_run_all_on_a_finished_study_says_so(paperkit, monkeypatch):
    monkeypatch.setattr(study, "load", None)
    monkeypatch.setattr(costs, "Team", None)
    result = paperkit("run-all")
    assert (result.exit_code, result.stderr, result.exception) == (0, "", None)
    assert result.stdout == "All 4 runs are done already. Next: paperkit build-pdf\n"


@pytest.mark.parametrize(
    "command", [["--help"], ["plan"], ["status"], ["run-all"], ["run-all", "--dry-run"], ["list"]]
)
@pytest.mark.usefixtures("finished")
def test_commands_that_compute_nothing_load_nothing_heavy(fresh, command):
    code, _, _, loaded = fresh(*command)
    assert code == 0
    assert loaded == []


def test_a_failed_run_makes_the_exit_code_one_and_tells_why(root, paperkit):
    path = root / "experiments" / "study.toml"
    path.write_text(path.read_text() + BROKEN)
    result = paperkit("run-all", "--only", "broken", "--only", "base", "--jobs", 1)
    assert result.exit_code == 1
    assert "failed: Broken, base" in result.stdout
    assert "ValueError: the loss is not a number" in result.stdout
    shown = paperkit("show", "broken")
    assert "Traceback" in shown.stdout


@pytest.mark.usefixtures("finished")
def test_a_dry_run_says_what_would_be_trained_and_why(paperkit):
    result = paperkit("run-all", "--dry-run")
    assert "0 of 4 runs would be trained." in result.stdout
    result = paperkit("run-all", "--dry-run", "--set", "epochs=3")
    assert "4 of 4 runs would be trained." in result.stdout
    assert "study-1.toml" in result.stderr


def test_set_and_seeds_write_an_experiment_that_the_runs_are_of(root, paperkit):
    result = paperkit("run-all", "--set", "epochs=1", "--seeds", "3", "--jobs", 1, "--only", "good,base")
    assert result.exit_code == 0
    written = tomllib.loads((root / "experiments" / "study-1.toml").read_text())
    assert (written["base"]["epochs"], written["seeds"]) == (1, [3])
    assert "1 run is there" in result.stdout or "1 of 1 run done" in result.stdout
    assert "1 done" in paperkit("status", "study-1", "--only", "good,base").stdout


def test_refresh_trains_stale_runs_again(finished, paperkit):
    plugin = finished / "plugins" / "model" / "good.py"
    record = next((finished / "experiments" / "runs").glob("*/record.json"))
    record.write_text(record.read_text().replace('"engine": 1', '"engine": 0'))
    assert "made by engine 0" in paperkit("status").stdout
    assert plugin.exists()
    result = paperkit("run-all", "--refresh", "--jobs", 1)
    assert result.exit_code == 0
    assert "1 stale run set aside" in result.stderr
    assert "1 run trained" in result.stdout


@pytest.mark.usefixtures("root")
def test_the_time_limit_is_a_duration(paperkit):
    result = paperkit("run-all", "--time-limit", "soon")
    assert result.exit_code == 2
    assert "expected a duration such as 9m" in result.stderr


@pytest.mark.usefixtures("root")
def test_plan_shows_each_training_once_with_the_cells_it_fills(paperkit):
    result = paperkit("plan")
    assert result.exit_code == 0
    assert "good/base, good/no_tta" in result.stdout
    assert "4 trainings for 6 cells of the tables." in result.stdout


@pytest.mark.usefixtures("finished")
def test_status_counts_states(paperkit):
    result = paperkit("status")
    assert "4 done" in result.stdout
    assert "unknown: whether the dataset synthetic_faces has changed" in result.stdout


def test_plan_and_run_all_name_an_ablation_that_changes_nothing(root, paperkit):
    file = root / "experiments" / "study.toml"
    same = '[[ablation]]\nkey = "same"\nlabel = "two epochs"\nset = { "epochs" = 2 }\n'
    file.write_text(file.read_text() + same)
    assert "two epochs changes nothing of Good" in paperkit("plan").stdout
    assert "two epochs changes nothing of Other" in paperkit("run-all", "--dry-run").stderr


def test_show_tells_how_devices_shared_a_run_and_what_was_not_as_planned(finished, paperkit):
    store = Store(finished / "experiments" / "runs")
    record = store.record(paperkit("show", "good").stdout.split()[0])
    shared = {"devices": 2, "batch_norm": "over all devices"}
    store.write_record(record.model_copy(update={"parallel": shared, "deviations": ("a smaller batch",)}))
    shown = paperkit("show", "good").stdout
    assert "batch_norm  over all devices" in shown
    assert "not as planned: a smaller batch" in shown


def test_status_and_show_read_another_folder_of_runs(finished, paperkit):
    elsewhere = finished / "elsewhere"
    (finished / "experiments" / "runs").rename(elsewhere)
    assert "done" not in paperkit("status").stdout
    assert "4 done" in paperkit("status", "--runs", elsewhere).stdout.replace("stale", "done")
    assert "reached" in paperkit("show", "good", "--runs", elsewhere).stdout
    absent = paperkit("status", "--runs", finished / "nowhere")
    assert absent.exit_code == 2
    assert "Correct --runs" in absent.stderr
