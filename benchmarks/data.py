"""Opening the real datasets, and training on FER2013: seconds and resident memory, each in a fresh process.

    PAPERKIT_DATA=FOLDER python benchmarks/data.py [--small]

FOLDER holds fer2013/fer2013.csv, and for the other rows fer2013/folders/ and ferplus/fer2013new.csv. The
targets for FER2013's CSV: at most 6 s and 1 GB at first, under 50 ms at second. The last row trains
fer2013_small's AdvancedEmoteNet on the CPU for one epoch of the whole FER2013, all stages learning,
validates, tests and writes what every run leaves; its target is under 1.5 GB. `--small` does the same with
a few drawn faces and needs no FOLDER.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

OPEN = """
import json, resource, sys, time
from pathlib import Path
from paper_kit.core.part import Part
from paper_kit.data.cache import open_dataset
part, roots, cache, arguments = json.loads(sys.argv[1])
roots = {name: Path(root) for name, root in roots.items()}
start = time.perf_counter()
dataset = open_dataset(Part.model_validate({"name": part, **arguments}), roots, Path(cache))
images = sum(len(dataset.split(name)) for name in dataset.counts)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, peak * (1 if sys.platform == "darwin" else 1024) / 1e6, images]))
"""


TRAIN = """
import json, resource, sys, time
from pathlib import Path
from paper_kit.bench.run import run_one
from paper_kit.core.part import Part, complete
from paper_kit.core.plan import load_plans
from paper_kit.core.spec import Resources, Transfer
from paper_kit.core.store import RunState, Store
part, roots, cache, arguments, experiment = json.loads(sys.argv[1])
(plan,) = load_plans((Path(experiment),))
(base,) = (r.reading.run for r in plan.rows if (r.model_key, r.ablation_key) == ("advanced_emotenet", "base"))
dataset = complete("dataset", Part.model_validate({"name": part, **arguments}))
fields = {"dataset": dataset, "train_fraction": 1.0, "epochs": 1, "transfer": Transfer()}
run, store = base.model_copy(update=fields), Store(Path(cache) / "runs")
roots = {name: Path(root) for name, root in roots.items()}
resources = Resources(device="cpu", jobs=1, data_roots=roots, cache=Path(cache))
start = time.perf_counter()
state = run_one(run, store, resources)
assert state is RunState.DONE, store.reason(run.id)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
images = sum(sum(classes.values()) for classes in store.record(run.id).data["counts"].values())
print(json.dumps([seconds, peak * (1 if sys.platform == "darwin" else 1024) / 1e6, images]))
"""
FEW = {"train": 140, "validation": 56, "test": 56}
EXPERIMENT = REPOSITORY / "experiments" / "fer2013_small.toml"

Form = tuple[str, dict[str, str], dict[str, int]]  # dataset, name -> root, arguments


def fresh(code: str, *given: object) -> tuple[float, float, int]:
    """Seconds, peak resident memory in MB and number of images of some work in a fresh process."""
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH", "")])]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", code, json.dumps(given)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=variables).stdout
    seconds, peak_mb, images = json.loads(said.splitlines()[-1])
    return seconds, peak_mb, images


def forms(small: bool) -> dict[str, Form]:
    """Title -> dataset, of each form whose files are at hand; the one that is trained on comes first."""
    if small:
        return {"drawn faces": ("synthetic_faces", {}, FEW)}
    shared = Path(os.environ.get("PAPERKIT_DATA", ""))
    csv, tree, votes = shared / "fer2013" / "fer2013.csv", shared / "fer2013" / "folders", shared / "ferplus"
    found: dict[str, Form] = {
        "FER2013, CSV": ("fer2013", {"fer2013": str(csv)}, {}),
        "FER2013, folders": ("fer2013", {"fer2013": str(tree)}, {}),
        "image_folder, same files": ("image_folder", {"image_folder": str(tree)}, {}),
        "FER+, votes and CSV": ("ferplus", {"ferplus": str(votes), "fer2013": str(csv)}, {}),
    }
    at_hand = {
        title: form for title, form in found.items() if all(Path(root).exists() for root in form[1].values())
    }
    return at_hand if csv.is_file() else {}


def main(arguments: list[str] | None = None) -> int:
    """The exit code; prints a row for each form that is at hand."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a few drawn faces in place of the real data")
    at_hand = forms(parser.parse_args(arguments).small)
    if not at_hand:
        print("Set PAPERKIT_DATA to a folder that holds fer2013/fer2013.csv.", file=sys.stderr)
        return 2
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "timm", "numpy"))
    print(f"Python {platform.python_version()}, {packages}; CPU, {os.cpu_count()} cores, "
          f"threads {os.environ.get('OMP_NUM_THREADS', 'all')}")  # fmt: skip
    print(f"{'':26}{'images':>8}{'first, s':>10}{'peak, MB':>10}{'second, ms':>12}")
    for title, (part, roots, options) in at_hand.items():
        with tempfile.TemporaryDirectory() as cache:
            first_s, peak_mb, images = fresh(OPEN, part, roots, cache, options)
            second_s = min(fresh(OPEN, part, roots, cache, options)[0] for _ in range(3))
        print(f"{title:26}{images:8,}{first_s:10.1f}{peak_mb:10.0f}{second_s * 1000:12.0f}", flush=True)
    part, roots, options = next(iter(at_hand.values()))
    with tempfile.TemporaryDirectory() as cache:
        fresh(OPEN, part, roots, cache, options)
        seconds, peak_mb, images = fresh(TRAIN, part, roots, cache, options, str(EXPERIMENT))
    print(f"{'one epoch of training':26}{images:8,}{seconds:10.1f}{peak_mb:10.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
