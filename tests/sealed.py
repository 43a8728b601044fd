"""A small study on disk with fabricated runs: for tests of what a build reads."""

from __future__ import annotations

import shutil
from pathlib import Path

from paper_kit.core.paper import experiment_files
from paper_kit.core.plan import Plan, all_runs, load_plans
from paper_kit.core.store import Store
from tests.analysis.fabricated import cost, write_run

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
PAPER = 'venue = "article"\nexperiments = ["study"]\n[[authors]]\nname = "Ada"\n'
EXPERIMENT = """
question = "Does it seal?"
seeds = [0, 1]
[base]
dataset = "synthetic_faces"
epochs = 6
loss = { gamma = 2.0 }
mixing = { probability = 0.5 }
[reading]
views = ["identity", "flip"]
[[model]]
key = "emotion_vit"
label = "EmotionViT"
part = "emotion_vit"
[[model]]
key = "resemotenet"
label = "ResEmoteNet"
part = { name = "resemotenet", width = 16 }
"""
MANUSCRIPT = r"""\input{macros}
\BLOCK{include "venues/article/preamble.tex"}
\begin{document}
The words of the study: EmotionViT is right on \VAR{results.emotion_vit.accuracy} of the images,
ResEmoteNet on \VAR{results.resemotenet.accuracy}. There are \VAR{counts.models} models.
\end{document}
"""
SECTIONS = {"title": "A study", "abstract": "Nothing is measured.", "keywords": "faces"}


def study(root: Path, *, templates: bool = False, images: int = 60) -> Path:
    """`root`, now a finished study of two models and two seeds; `templates`: with the shipped manuscript."""
    (root / "paper").mkdir(parents=True)
    (root / "paper" / "paper.toml").write_text(PAPER)
    (root / "experiments").mkdir()
    (root / "experiments" / "study.toml").write_text(EXPERIMENT)
    if templates:
        shutil.copytree(TEMPLATES, root / "templates")
    else:
        _small_templates(root / "templates")
    plans = load_plans(experiment_files(root))
    finish(root, plans, images)
    return root


def finish(root: Path, plans: tuple[Plan, ...], images: int = 60) -> None:
    """Nothing; every run of the plans that is not done is done now."""
    store = Store(root / "experiments" / "runs")
    runs = [run for run in all_runs(plans) if not store.file(run.id, "record.json").is_file()]
    for run in runs:
        write_run(store, run, images=images)
    for place, run in enumerate(runs[:2]):
        store.write_cost(cost(run, place, 7))


def run_ids(root: Path) -> tuple[str, ...]:
    """Ids of the runs that the study plans, in its order."""
    return tuple(run.id for run in all_runs(load_plans(experiment_files(root))))


def _small_templates(folder: Path) -> None:
    shutil.copytree(TEMPLATES / "venues", folder / "venues")
    for name in ("macros.tex", "references.bib", "literature.toml"):
        shutil.copy(TEMPLATES / name, folder / name)
    (folder / "manuscript.tex").write_text(MANUSCRIPT)
    (folder / "sections").mkdir()
    for name, text in SECTIONS.items():
        (folder / "sections" / f"{name}.tex").write_text(text)
