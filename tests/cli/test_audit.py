"""Audits from the command line: of a dataset, and of tables that others published."""

import json
from pathlib import Path

import pytest
from PIL import Image

from paper_kit.bench import study
from paper_kit.core.store import Store
from paper_kit.data.cache import open_dataset

EXAMPLE = Path(__file__).resolve().parents[1] / "analysis" / "published" / "tables.toml"


def test_run_all_audits_each_dataset_once(paperkit, root, monkeypatch):
    monkeypatch.setattr(study, "open_dataset", open_dataset)
    assert "Auditing the dataset synthetic_faces" in paperkit("run-all", "--jobs", 1).stderr
    (audit,) = Store(root / "experiments" / "runs").audits()
    assert audit.counts["test"].keys() == {
        "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"
    }  # fmt: skip
    assert sum(audit.counts["train"].values()) == 28
    again = paperkit("run-all", "--jobs", 1)
    assert "Auditing" not in again.stderr
    assert "done already" in again.stdout


def test_data_audit_keeps_its_record_only_when_asked(paperkit, root):
    found = paperkit("data", "audit")
    assert "near copies across splits" in found.stdout
    assert Store(root / "experiments" / "runs").audits() == []
    said = paperkit("data", "audit", "--record").stderr
    (audit,) = Store(root / "experiments" / "runs").audits()
    assert f"{audit.fingerprint}.json" in said
    assert audit.dataset.arguments["train"] == 28


def test_a_kept_audit_holds_ids_and_labels_and_no_pixels(paperkit, root):
    paperkit("data", "audit", "--record")
    (file,) = (root / "experiments" / "runs" / "audits").glob("*.json")
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert set(kept) == {
        "dataset", "fingerprint", "counts", "blank", "copies", "conflicts", "near", "scan"
    }  # fmt: skip
    assert file.stat().st_size < 2000


def test_published_tables_are_told_apart_with_their_intervals(paperkit):
    result = paperkit("audit", "published", EXAMPLE)
    assert result.exit_code == 1
    assert "Consistent (made up: recalls that 3,589 images allow): consistent" in result.stdout
    assert "printed 75.395 to 75.405; no value is in both" in result.stdout
    assert "the counts of fear and sad are exchanged" in result.stdout
    assert result.stdout.endswith("5 of 9 tables inconsistent\n")


def test_consistent_tables_exit_with_0_and_bad_files_with_2(paperkit, tmp_path):
    good = tmp_path / "good.toml"
    good.write_text('[[table]]\nname = "t"\nimages = 3589\naccuracy = 72.39\n', encoding="utf-8")
    assert paperkit("audit", "published", good).exit_code == 0
    good.write_text('[[table]]\nname = "t"\nimagse = 3589\n', encoding="utf-8")
    result = paperkit("audit", "published", good)
    assert result.exit_code == 2
    assert "Did you mean 'images'?" in result.stderr
    assert paperkit("audit", "published", tmp_path / "none.toml").exit_code == 2


def test_the_help_documents_a_file_that_can_be_checked(paperkit, tmp_path):
    shown = paperkit("audit", "published", "--help").stdout
    from paper_kit.cli.audit import FORMAT

    keys = [line.split("=")[0].strip() for line in FORMAT.splitlines() if " = " in line]
    assert all(key in shown for key in keys)
    assert "[[table]]" in shown
    file = tmp_path / "documented.toml"
    file.write_text(FORMAT[FORMAT.index("  [[table]]") :], encoding="utf-8")
    result = paperkit("audit", "published", file)
    assert result.exit_code == 0, result.stdout
    assert "0 of 1 table inconsistent" in result.stdout


def test_a_table_with_nothing_to_check_has_its_own_code(paperkit, tmp_path):
    file = tmp_path / "empty.toml"
    file.write_text('[[table]]\nname = "t"\n', encoding="utf-8")
    result = paperkit("audit", "published", file)
    assert result.exit_code == 3
    assert result.stdout.endswith("0 of 1 table inconsistent; nothing checked\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[table]\nname = "t"\n', "write [[table]] with two brackets"),
        ('[[table]]\nname = "t"\naccuracy = "72.4"\n', "type the number without quotes"),
        ('[[table]]\nname = "t"\naccuracy = 0.724\nimages = 3589\n', 'type unit = "fraction"'),
        ('[[table]]\nname = "t"\nimages = 0\n', "images = 0"),
        ('[[table]]\nname = "t"\nconfusion = []\n', "the confusion matrix is empty"),
        ('[[table]]\nname = "t"\nclasses = ["a"]\nconfusion = [[0]]\n', "the confusion matrix is empty"),
        ('[[table]]\nname = "t"\nrecalls = { a = 5.0 }\nsupports = { a = 1, b = 2 }\n', "Add b."),
    ],
)
def test_a_value_that_cannot_be_meant_is_one_error_with_its_cure(paperkit, tmp_path, text, words):
    file = tmp_path / "bad.toml"
    file.write_text(text, encoding="utf-8")
    result = paperkit("audit", "published", file)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "at least 1 item" not in result.stderr


@pytest.mark.parametrize("command", ["info", "audit"])
def test_the_advice_for_a_dataset_that_is_not_at_hand_is_an_option_of_the_command(
    paperkit, tmp_path, monkeypatch, command
):
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    refused = paperkit("data", command, "image_folder")
    assert refused.exit_code == 2
    assert "--data image_folder=PATH" in refused.stderr
    for split in ("train", "test"):
        for number, name in enumerate(("cat", "dog")):
            (tmp_path / "images" / split / name).mkdir(parents=True)
            for at in range(3):
                grey = Image.new("L", (48, 48), 40 * at + 20 * number + (5 if split == "test" else 0))
                grey.save(tmp_path / "images" / split / name / f"{at}.png")
    shown = paperkit("data", command, "image_folder", "--data", f"image_folder={tmp_path / 'images'}")
    assert shown.exit_code == 0, shown.stderr
