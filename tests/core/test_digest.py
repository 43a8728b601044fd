"""What a build reads, hashed: equal inputs are equal anywhere, and a difference has the name of its class."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paper_kit.core.digest import CLASSES, MEMORY, Inputs, inputs
from paper_kit.core.errors import InputError
from paper_kit.core.files import read_json, sha256_text, write_json
from tests.sealed import run_ids, study


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    made = study(tmp_path / "study")
    (made / "paper" / "build").mkdir()
    return made


def one_bit(root: Path, name: str) -> None:
    path = root / "experiments" / "runs" / run_ids(root)[0] / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def one_word(root: Path) -> None:
    path = root / "templates" / "manuscript.tex"
    path.write_text(path.read_text().replace("right on", "wrong on"))


def another_fingerprint(root: Path) -> None:
    path = root / "experiments" / "runs" / run_ids(root)[0] / "record.json"
    record = read_json(path)
    record["data"]["fingerprint"] = "0" * 16
    write_json(path, record)


def another_setting(root: Path) -> None:
    path = root / "experiments" / "study.toml"
    path.write_text(path.read_text().replace("epochs = 6", "epochs = 7"))


def another_page(root: Path) -> None:
    path = root / "templates" / "venues" / "article" / "venue.toml"
    path.write_text(path.read_text() + "# wider\n")


def another_plugin(root: Path) -> None:
    path = root / "plugins" / "figure" / "mine.py"
    path.parent.mkdir(parents=True)
    path.write_text('"""A figure."""\n\n\ndef draw(results, style): ...\n')


def another_cost(root: Path) -> None:
    path = next((root / "experiments" / "runs" / "costs").glob("*.json"))
    path.write_text(path.read_text().replace("410.0", "411.0"))


def another_audit(root: Path) -> None:
    path = root / "experiments" / "runs" / "audits" / f"{'f' * 16}.json"
    path.parent.mkdir()
    path.write_text("{}")


def search(root: Path, name: str, fingerprint: str = "", image_size: int = 0) -> None:
    """Nothing; a search for the study's first network lies in the store, on its images unless told."""
    runs = root / "experiments" / "runs"
    record = read_json(runs / run_ids(root)[0] / "record.json")
    spec = record["spec"] | ({"image_size": image_size} if image_size else {})
    searched = [{"fingerprint": fingerprint or record["data"]["fingerprint"]}]
    (runs / "tuning").mkdir(exist_ok=True)
    write_json(runs / "tuning" / f"{name}.json", {"spec": spec, "searches": searched})


@pytest.mark.parametrize(
    ("change", "classes"),
    [
        (lambda root: search(root, "study-net"), {"records"}),
        (lambda root: one_bit(root, "predictions.npz"), {"records"}),
        (lambda root: one_bit(root, "embeddings.npz"), {"records"}),
        (lambda root: one_bit(root, "history.jsonl"), {"records"}),
        (another_cost, {"records"}),
        (another_audit, {"records"}),
        (another_fingerprint, {"records", "data"}),
        (one_word, {"templates"}),
        (another_page, {"venue"}),
        (another_setting, {"paper", "records", "data"}),
        (another_plugin, {"code"}),
    ],
)
def test_a_changed_input_has_the_name_of_its_class(
    root: Path, change: Callable[[Path], None], classes: set[str]
) -> None:
    before = inputs(root)
    change(root)
    after = inputs(root)
    assert set(after.changed_since(before.classes)) == classes <= set(CLASSES)
    assert after.digest != before.digest


def test_the_file_that_changed_is_named(root: Path) -> None:
    before = inputs(root)
    one_bit(root, "predictions.npz")
    one_word(root)
    assert inputs(root).changed_since(before.classes) == {
        "records": (f"runs/{run_ids(root)[0]}/predictions.npz",),
        "templates": ("templates/manuscript.tex",),
    }


def test_the_same_inputs_in_another_folder_have_the_same_digest(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "study"
    shutil.copytree(root, other)
    shutil.move(other / "experiments" / "runs", tmp_path / "runs")
    assert inputs(other, runs=tmp_path / "runs") == inputs(root)
    assert inputs(root, remember=False).digest == inputs(root).digest


def test_a_different_version_or_option_changes_the_digest(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = inputs(root)
    assert set(inputs(root, options={"blind": True}).changed_since(before.classes)) == {"options"}
    monkeypatch.setattr("paper_kit.core.digest.version", lambda _package: "0.0")
    assert set(inputs(root).changed_since(before.classes)) == {"environment"}


def test_what_no_build_reads_does_not_change_the_digest(root: Path) -> None:
    before = inputs(root).digest
    (root / "templates" / "venues" / "ieeetran" / "venue.toml").write_text("")
    (root / "templates" / "manuscript.tex~").write_text("")
    (root / "templates" / ".manuscript.tex.swp").write_text("")
    (root / "experiments" / "other.toml").write_text("")
    (root / "experiments" / "runs" / run_ids(root)[0] / "error.txt").write_text("")
    (root / "experiments" / "runs" / "audits").mkdir()
    (root / "experiments" / "runs" / "audits" / f"{'e' * 16}.json").write_text("{}")  # of other images
    search(root, "other-images", fingerprint="e" * 16)
    search(root, "larger-images", image_size=640)
    assert inputs(root).digest == before


def test_a_comment_in_a_plugin_does_not_change_the_digest_and_its_code_does(root: Path) -> None:
    another_plugin(root)
    path = root / "plugins" / "figure" / "mine.py"
    before = inputs(root).digest
    path.write_text(path.read_text() + "# a comment\n")
    assert inputs(root).digest == before
    path.write_text(path.read_text().replace("...", "return 1"))
    assert inputs(root).digest != before


def test_a_module_that_a_template_names_is_an_input(root: Path) -> None:
    (root / "mylab").mkdir()
    (root / "mylab" / "figures.py").write_text("def draw(results, style): ...\n")
    template = root / "templates" / "manuscript.tex"
    template.write_text(template.read_text() + "\\VAR{figure('mylab.figures:draw')}\n")
    assert "mylab/figures.py" in inputs(root).classes["code"]


def test_a_run_that_is_not_finished_is_not_an_input_until_it_is(root: Path) -> None:
    whole = inputs(root)
    record = root / "experiments" / "runs" / run_ids(root)[1] / "record.json"
    kept = record.read_bytes()
    record.unlink()
    names = inputs(root).changed_since(whole.classes)["records"]
    assert len(names) == 7
    assert all(name.startswith(f"runs/{run_ids(root)[1]}/") for name in names)
    record.write_bytes(kept)
    assert inputs(root).digest == whole.digest


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paper_kit.core.digest.SETTLED_NS", -1)
    first = inputs(root)
    assert (root / "paper" / "build" / MEMORY).is_file()
    with monkeypatch.context() as patch:
        patch.setattr("paper_kit.core.digest.sha256_file", lambda path: pytest.fail(f"{path} was read"))
        patch.setattr("paper_kit.core.digest.code_hash", lambda path: pytest.fail(f"{path} was read"))
        assert inputs(root).digest == first.digest
    path = root / "templates" / "manuscript.tex"
    status = path.stat()
    path.write_text(path.read_text().replace("right on", "wrong on"))  # as long as before
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # and as old: the inode's time still tells
    assert inputs(root).digest != first.digest


def test_a_file_that_was_just_written_is_not_remembered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = max(path.stat().st_ctime_ns for path in root.rglob("*"))
    monkeypatch.setattr("paper_kit.core.digest.time.time_ns", lambda: written)
    inputs(root)  # the code of the package is remembered: it is old
    known = read_json(root / "paper" / "build" / MEMORY)
    own = {sha256_text(str(path.resolve()))[:32] for path in root.rglob("*")}
    assert known
    assert not any(name.partition(" ")[2] in own for name in known)


def test_the_memory_of_hashes_tells_no_path_of_the_machine(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paper_kit.core.digest.SETTLED_NS", -1)
    inputs(root)
    assert "/" not in (root / "paper" / "build" / MEMORY).read_text()


def test_nothing_is_written_before_a_first_build(root: Path) -> None:
    (root / "paper" / "build").rmdir()
    before = sorted(root.rglob("*"))
    inputs(root)
    assert sorted(root.rglob("*")) == before


def test_a_damaged_memory_is_no_memory(root: Path) -> None:
    first = inputs(root)
    (root / "paper" / "build" / MEMORY).write_text("{")
    assert inputs(root).digest == first.digest


def test_a_study_without_its_experiment_is_told(root: Path) -> None:
    with pytest.raises(InputError, match="There is no experiment 'quik'"):
        inputs(root, experiments=("quik",))


def test_classes_that_only_one_side_has_differ() -> None:
    new = Inputs({"records": {"a": "1"}, "options": {}})
    assert new.changed_since({"data": {"b": "2"}}) == {"data": ("b",), "records": ("a",)}


def test_the_digest_needs_neither_torch_nor_pandas(root: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from paper_kit.core.digest import inputs; inputs(Path('.'))\n"
        "print({'torch', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "set()"
