"""The benchmark of start-up times runs, and judges by its targets."""

from benchmarks import startup


def test_the_table_names_versions_medians_ratios_and_targets(capsys):
    assert startup.main(["--small"]) == 0
    said = capsys.readouterr().out
    assert "typer" in said.splitlines()[0]
    assert "medians of 1 rounds" in said
    assert "paperkit run-all, finished" in said


def test_a_missed_target_is_the_exit_code():
    good = {"bare": [1.0, 1.0], "help": [1.4, 1.4], "finished": [0.9, 0.9]}
    assert startup.tell(good, judged=True) == 0
    assert startup.tell(good | {"help": [1.6, 1.6]}, judged=True) == 1
    assert startup.tell(good | {"finished": [1.1, 1.1]}, judged=True) == 1
    assert startup.tell(good | {"finished": [1.1, 1.1]}, judged=False) == 0
