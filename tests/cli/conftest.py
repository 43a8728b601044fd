"""A tiny study to run commands in, with an engine that needs no torch."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from paper_kit.bench import costs, study
from paper_kit.bench.executors import local
from paper_kit.cli import app

FAKES = Path(__file__).resolve().parents[1] / "bench"
EXPERIMENT = """
question = "Does it work?"
seeds = [0]
[base]
epochs = 2
dataset = { name = "synthetic_faces", train = 28, validation = 14, test = 14 }
mixing = { probability = 0.5 }
[[model]]
key = "good"
label = "Good"
part = "good"
[[model]]
key = "other"
label = "Other"
part = { name = "other", width = 8 }
[[ablation]]
key = "no_mixing"
label = "w/o mixing"
set = { "mixing.probability" = 0.0 }
[[ablation]]
key = "no_tta"
label = "w/o TTA"
reading = { views = ["identity"] }
"""
PLUGIN = '''"""The {name} net."""


def build(num_classes, *, image_size=48, channels=1, width: int = 4): ...
'''


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The folder of a study of two models, which is the current folder; it is trained by a stand-in."""
    for name in ("good", "other", "broken"):
        file = tmp_path / "plugins" / "model" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PLUGIN.format(name=name))
    (tmp_path / "paper").mkdir()
    (tmp_path / "paper" / "paper.toml").write_text('experiments = ["study"]\n')
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "study.toml").write_text(EXPERIMENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PAPERKIT_DATA", raising=False)
    monkeypatch.syspath_prepend(str(FAKES))
    monkeypatch.setattr(local, "RUN", "fake_engine:run_one")
    monkeypatch.setattr(costs, "MEASURE", "fake_engine:measure")
    monkeypatch.setattr(study, "open_dataset", lambda *_: None)
    return tmp_path


@pytest.fixture
def paperkit():
    """Runs a command in this process: paperkit("status", "--only", "good") -> result."""

    def command(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="paperkit")

    return command


@pytest.fixture
def finished(root, monkeypatch):
    """The study, trained."""
    monkeypatch.syspath_prepend(str(FAKES))
    import fake_engine

    from paper_kit.core.files import write_json
    from paper_kit.core.paper import experiment_files
    from paper_kit.core.plan import all_runs, load_plans
    from paper_kit.core.spec import Resources
    from paper_kit.core.store import Store

    store = Store(root / "experiments" / "runs")
    runs = all_runs(load_plans(experiment_files(root)))
    for run in runs:
        store.begin(run)
        write_json(store.file(run.id, "record.json"), fake_engine.RECORD | {"id": run.id, "spec": run.full()})
    for run in runs:
        store.write_cost(fake_engine.measure(run, store, Resources(threads=1)))
    return root


@pytest.fixture
def fresh(root):
    """Runs a command in a fresh process: fresh("plan") -> (exit code, stdout, stderr, heavy modules)."""
    import subprocess

    def command(*arguments):
        code = (
            f"import sys; sys.path.insert(0, {str(FAKES.parents[1])!r})\n"
            "from paper_kit.cli import app\n"
            "try:\n    app(sys.argv[1:], prog_name='paperkit')\nexcept SystemExit as end: code = end.code\n"
            "heavy = {'torch', 'pandas', 'matplotlib', 'scipy'} & set(sys.modules)\n"
            "print('LOADED', *sorted(heavy)); sys.exit(code)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=root,
        )
        out, _, loaded = done.stdout.rpartition("LOADED")
        return done.returncode, out, done.stderr, loaded.split()

    return command
