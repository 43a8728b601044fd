"""First and second open of the real datasets: seconds, milliseconds and peak memory, each in a fresh process.

    PAPERKIT_DATA=FOLDER python benchmarks/data.py

FOLDER holds fer2013/fer2013.csv, and for the other rows fer2013/folders/ and ferplus/fer2013new.csv. The
target for FER2013's CSV is at most 6 s and 1 GB at first, and under 50 ms at second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

OPEN = """
import json, resource, sys, time
from pathlib import Path
from paper_kit.core.part import Part
from paper_kit.data.cache import open_dataset
part, roots, cache = json.loads(sys.argv[1])
roots = {name: Path(root) for name, root in roots.items()}
start = time.perf_counter()
dataset = open_dataset(Part(name=part), roots, Path(cache))
images = sum(len(dataset.split(name)) for name in dataset.counts)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, peak * (1 if sys.platform == "darwin" else 1024) / 1e6, images]))
"""


def opened(part: str, roots: dict[str, str], cache: str) -> tuple[float, float, int]:
    """Seconds, peak memory in MB and number of images of one open in a fresh process."""
    command = [sys.executable, "-c", OPEN, json.dumps([part, roots, cache])]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, peak_mb, images = json.loads(said)
    return seconds, peak_mb, images


def main() -> int:
    """The exit code; prints a row for each form that is at hand."""
    shared = Path(os.environ.get("PAPERKIT_DATA", ""))
    if not (shared / "fer2013" / "fer2013.csv").is_file():
        print("Set PAPERKIT_DATA to a folder that holds fer2013/fer2013.csv.", file=sys.stderr)
        return 2
    csv, tree, votes = shared / "fer2013" / "fer2013.csv", shared / "fer2013" / "folders", shared / "ferplus"
    forms = {
        "FER2013, CSV": ("fer2013", {"fer2013": str(csv)}),
        "FER2013, folders": ("fer2013", {"fer2013": str(tree)}),
        "image_folder, same files": ("image_folder", {"image_folder": str(tree)}),
        "FER+, votes and CSV": ("ferplus", {"ferplus": str(votes), "fer2013": str(csv)}),
    }
    print(f"{'':26}{'images':>8}{'first, s':>10}{'peak, MB':>10}{'second, ms':>12}")
    for title, (part, roots) in forms.items():
        if not all(Path(root).exists() for root in roots.values()):
            continue
        with tempfile.TemporaryDirectory() as cache:
            first_s, peak_mb, images = opened(part, roots, cache)
            second_s = min(opened(part, roots, cache)[0] for _ in range(3))
        print(f"{title:26}{images:8,}{first_s:10.1f}{peak_mb:10.0f}{second_s * 1000:12.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
