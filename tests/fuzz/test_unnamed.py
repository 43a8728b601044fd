"""Code of a study runs only where an experiment file names it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from paper_kit.analysis.facts._tree import collect_facts
from paper_kit.analysis.results import Results, collect
from paper_kit.core import part
from paper_kit.core.errors import InputError
from paper_kit.core.named import named_in, refuse_unnamed
from paper_kit.core.part import Part, complete, options, plugin_file
from paper_kit.core.plan import plan
from paper_kit.core.spec import RunSpec
from paper_kit.core.store import Store
from paper_kit.render.making import make_table
from tests.analysis.fabricated import experiment, fabricate
from tests.core.test_pack import a_store
from tests.fuzz.guard import guarded, plant_canaries

FACTS = '''"""Facts of this study."""
from paper_kit.analysis.facts import Fact


def facts(results):
    return {"answer": Fact("", 42, "count")}
'''
TABLE = '''"""A table of this study."""


def make(results, *, size: int = 3):
    return size
'''
SHADOWS = ("random", "multiprocessing", "torch", "json", "socket", "typing", "numpy", "pickle", "paper_kit")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "experiments").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def results(study: Path, *named: str) -> Results:
    """Results of a study whose experiment names these plug-ins."""
    _, store = fabricate(study / "experiments" / "runs", models=1, images=30)
    return collect((plan(experiment(models=1).model_copy(update={"plugins": named})),), store)


def put(study: Path, kind: str, name: str, source: str) -> None:
    folder = study / "plugins" / kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(source)


def test_a_topic_of_facts_runs_only_when_it_is_named(study: Path) -> None:
    put(study, "facts", "mine", FACTS)
    with guarded(study), pytest.raises(InputError, match=r'no experiment file names it.*\["facts/mine"\]'):
        collect_facts(results(study))
    assert collect_facts(results(study, "facts/mine"))["mine.answer"].value == 42


def test_a_table_runs_only_when_it_is_named_and_never_in_the_place_of_a_shipped_one(study: Path) -> None:
    put(study, "table", "mine", TABLE)
    put(study, "table", "ablation", TABLE)
    for name in ("mine", "ablation"):
        with guarded(study), pytest.raises(InputError, match=rf'plugins = \["table/{name}"\]'):
            make_table(results(study), Part(name=name))
        assert make_table(results(study, f"table/{name}"), Part(name=name, arguments={"size": 4})) == 4


def test_a_name_in_a_template_imports_no_module(study: Path) -> None:
    plant_canaries(study)
    for name in ("canary:make", "nest.canary:make"):
        (study / "canary.py").write_text(TABLE + "raise SystemExit")
        with (
            guarded(study),
            pytest.raises(InputError, match=r"no experiment file names it|there is no module"),
        ):
            make_table(results_alone(study), Part(name=name))


def results_alone(study: Path) -> Results:
    return collect((plan(experiment(models=1)),), Store(study / "none"))


def test_looking_for_a_module_does_not_run_the_packages_that_it_is_in(study: Path) -> None:
    plant_canaries(study)
    with guarded(study):
        assert plugin_file("model", "nest.canary:build") == study / "nest" / "canary.py"
        for name in (
            "nest.none:build",
            "os:system",
            "../x:y",
            "/etc/passwd:x",
            "a..b:c",
            ":",
            "a:",
            "os.path:x",
        ):
            with pytest.raises(InputError):
                options("model", name)


@pytest.mark.parametrize(
    "written",
    [
        "__import__('os').system('touch ran')",
        "[x for x in (1,)]",
        "9 ** 9 ** 9",
        "open('ran', 'w')",
        "(lambda: 1)()",
    ],
)
def test_an_annotation_is_never_run(study: Path, written: str) -> None:
    put(study, "table", "odd", f"def make(results, *, size: {written} = 3): ...\n")
    with guarded(study):
        assert complete("table", Part(name="odd", arguments={"size": 5})).arguments == {"size": 5}
    assert not (study / "ran").exists()


@pytest.mark.parametrize(
    ("written", "good", "bad"),
    [
        ("int", 3, "x"), ("float | None", None, "x"), ("tuple[int, ...]", [1, 2], ["a"]), ("str", "a", 1),
        ("Literal['a', 'b']", "b", "c"), ("list[str]", ["a"], "a"), ("dict[str, int]", {"a": 1}, [1]),
        ("Literal[1] | bool", 1, "x"),
    ],
)  # fmt: skip
def test_the_annotations_that_plug_ins_use_are_understood(
    study: Path, written: str, good: object, bad: object
) -> None:
    put(study, "table", "typed", f"def make(results, *, size: {written}): ...\n")
    complete("table", Part(name="typed", arguments={"size": good}))
    with pytest.raises(InputError, match="is not of type"):
        complete("table", Part(name="typed", arguments={"size": bad}))


def test_a_module_of_a_study_never_stands_in_for_a_library(study: Path) -> None:
    (study / "mine.py").write_text("def make(results): return 1\n")
    before = list(sys.path)
    try:
        assert part.load("table", "mine:make")(None) == 1
        assert sys.path[0] == before[0]
    finally:
        sys.path[:] = before
        sys.modules.pop("mine", None)


def test_names_are_read_from_all_experiment_files_and_damaged_ones_name_nothing(study: Path) -> None:
    (study / "experiments" / "a.toml").write_text(
        'plugins = ["figure/mine", 3]\n[base]\ndataset = "faces"\n'
        '[[model]]\npart = { name = "mylab.nets:build" }\n'
    )
    (study / "experiments" / "b.toml").write_text("[[[")
    named = named_in(study)
    assert {"figure/mine", "dataset/faces", "mylab.nets:build"} <= named
    refuse_unnamed("model", "mylab.nets:build", named)
    refuse_unnamed("model", "resemotenet", frozenset())
    with pytest.raises(InputError, match="code from outside the package"):
        refuse_unnamed("model", "mylab.other:build", named)


def test_a_record_cannot_name_the_model_that_it_was_trained_with(study: Path) -> None:
    torch = pytest.importorskip("torch")
    from paper_kit.bench.predict import finished_model

    plant_canaries(study)
    store = a_store(study / "experiments" / "runs")
    run = RunSpec().id
    for name in ("canary", "canary:build", "nest.canary:build"):
        path = store.file(run, "record.json")
        record = json.loads(path.read_text())
        record["spec"]["model"] = {"name": name}
        path.write_text(json.dumps(record))
        with guarded(study), pytest.raises(InputError, match="no experiment file names it"):
            finished_model(store, run, torch.device("cpu"))


@pytest.mark.slow
def test_a_study_with_files_named_like_libraries_runs_none_of_them(study: Path) -> None:
    for name in SHADOWS:
        (study / f"{name}.py").write_text(f"open({str(study / 'ran')!r}, 'a').write({name!r})\n")
    (study / "paper").mkdir()
    (study / "paper" / "paper.toml").write_text('experiments = ["x"]\n')
    (study / "experiments" / "x.toml").write_text(
        'question = "?"\n[base]\nepochs = 1\nbatch_size = 16\n'
        'dataset = { name = "synthetic_faces", train = 28, validation = 14, test = 14 }\n'
        '[[model]]\nkey = "small"\nlabel = "Small"\npart = "mini_xception"\n'
    )
    program = [sys.executable, "-P", "-c", "from paper_kit.cli import app; app()"]
    for command in (["plan"], ["status"], ["list"], ["run-all", "--jobs", "1"]):
        done = subprocess.run(
            [*program, *command], cwd=study, env=dict(os.environ), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert list((study / "experiments" / "runs").glob("*/record.json"))
    assert not (study / "ran").exists()
