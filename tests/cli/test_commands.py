"""The smaller commands, and help."""

import re
import resource
import shutil
from pathlib import Path

import pytest

from paper_kit import __version__
from paper_kit.cli.checks import venue_checks
from paper_kit.cli.text import columns, duration, seconds_of
from paper_kit.core.errors import InputError
from paper_kit.core.part import KINDS, available

DAILY = ("run-all", "build-pdf", "plan", "status", "render")
COMMANDS = (*DAILY, "show", "predict", "measure", "pack", "unpack", "list", "init", "doctor", "data")


def words(text):
    return re.sub(r"[\s│]+", " ", text)


PATHS = [*([name] for name in COMMANDS if name != "data"), ["data", "info"], ["data", "audit"]]


@pytest.mark.parametrize("command", PATHS, ids=" ".join)
def test_the_help_of_each_command_has_an_example(paperkit, command):
    result = paperkit(*command, "--help")
    assert result.exit_code == 0
    assert f"Example: paperkit {' '.join(command)}" in words(result.stdout)


def test_help_names_every_command(paperkit):
    shown = paperkit("--help").stdout
    assert all(f" {name} " in shown for name in COMMANDS)


def test_help_takes_less_than_half_a_second_of_work(fresh):
    fresh("--help")
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert fresh("--help")[0] == 0
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 0.5


def test_the_version_is_printed(paperkit):
    assert paperkit("--version").stdout == f"paperkit {__version__}\n"


@pytest.mark.usefixtures("root")
def test_list_shows_every_plug_in_and_their_arguments(paperkit):
    shown = paperkit("list").stdout
    for kind in KINDS:
        assert all(name in shown for name in available(kind))
    assert "The good net." in shown
    assert re.search(r"width +int +4", paperkit("list", "model").stdout)


@pytest.mark.usefixtures("finished")
def test_show_tells_a_run_by_id_by_its_first_digits_and_by_keys(paperkit):
    by_keys = paperkit("show", "other/no_mixing").stdout
    run_id = by_keys.split()[0]
    assert paperkit("show", run_id).stdout == by_keys
    assert paperkit("show", run_id[:6]).stdout == by_keys
    assert "model.width" in by_keys
    assert "0.5000" in by_keys


def test_records_are_packed_and_unpacked(finished, paperkit, tmp_path_factory, monkeypatch):
    packed = finished / "records.zip"
    assert "4 of 4 runs" in paperkit("pack", "--to", packed).stdout
    there = tmp_path_factory.mktemp("there")
    (there / "experiments").mkdir()
    monkeypatch.chdir(there)
    assert "4 new runs" in paperkit("unpack", packed).stdout
    assert "4 were here already" in paperkit("unpack", packed).stdout


@pytest.mark.usefixtures("root")
def test_data_info_and_audit_look_at_the_datasets_of_the_paper(paperkit):
    info = paperkit("data", "info")
    assert info.exit_code == 0
    assert re.search(r"total +28 +14 +14", info.stdout)
    audit = paperkit("data", "audit")
    assert re.search(r"blank images +0", audit.stdout)


@pytest.mark.usefixtures("root")
def test_the_doctor_says_what_is_there_and_what_to_type(paperkit):
    result = paperkit("doctor")
    assert re.search(r"Python +ok", result.stdout)
    assert re.search(r"torch +ok", result.stdout)
    assert "--data NAME=PATH" in result.stdout


@pytest.mark.parametrize(
    ("text", "seconds"), [("", 0), ("540", 540), ("90s", 90), ("9m", 540), ("1h30m", 5400), ("0.5h", 1800)]
)
def test_durations_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["soon", "9 minutes", "-3m", "m"])
def test_other_durations_are_refused(text):
    with pytest.raises(InputError):
        seconds_of(text)


def test_durations_are_written():
    assert [duration(s) for s in (3, 200, 7500)] == ["3 s", "3 min 20 s", "2 h 5 min"]


def test_columns_are_aligned_without_trailing_blanks():
    assert columns([("a", "bb"), ("ccc", "d")]) == "a    bb\nccc  d"


@pytest.mark.usefixtures("root")
def test_show_says_of_a_planned_run_that_it_is_not_trained(paperkit):
    run_id = paperkit("show", "other/no_mixing").stdout.split()[0]
    shown = paperkit("show", run_id)
    assert shown.exit_code == 0
    assert "planned, and not trained yet" in shown.stdout


def test_doctor_names_the_venue_whose_class_is_missing_and_no_other(tmp_path: Path) -> None:
    if shutil.which("kpsewhich") is None:
        pytest.skip("needs TeX: make tex")
    for name, kind in (("mine", "nowhere"), ("plain", "article"), ("dropped", "own")):
        (tmp_path / "venues" / name).mkdir(parents=True)
        (tmp_path / "venues" / name / "venue.toml").write_text(f'documentclass = "{kind}"\n')
    (tmp_path / "venues" / "dropped" / "own.cls").write_text("")
    (found,) = venue_checks(tmp_path)
    assert found.name == "nowhere.cls for --venue mine"
    assert not found.essential
    assert "texlive-publishers" in found.cure
