"""The scan for near copies: seconds on all of FER2013, recall of planted copies, flags among distinct faces.

    PAPERKIT_DATA=FOLDER OMP_NUM_THREADS=2 python benchmarks/near.py

FOLDER holds fer2013/fer2013.csv; without it only the drawn faces are scanned. Targets: 20 s for exact and
near copies of all 35,887 images on two cores, recall of at least 95 % of each kind of planted copy, and at
most 1 of 1,000 drawn faces of distinct people flagged.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from paper_kit.core.part import Part, load
from paper_kit.data.audit import audit
from paper_kit.data.cache import open_dataset
from paper_kit.data.near import near_pairs, prepare

PLANTED = 1000  # faces of which copies are planted
SEEDS = (0, 1, 2)  # of the drawn faces


def kinds(images_NHW: np.ndarray) -> dict[str, np.ndarray]:
    """Kind of planted copy -> the images changed so."""
    levels = images_NHW.astype(np.float32)
    mean = levels.mean(axis=(1, 2), keepdims=True)
    changed = {
        "brighter by 30 levels": levels + 30,
        "darker by 30 levels": levels - 30,
        "brightness x 1.2": levels * 1.2,
        "brightness x 0.8": levels * 0.8,
        "contrast x 1.5": (levels - mean) * 1.5 + mean,
        "contrast x 0.5": (levels - mean) * 0.5 + mean,
    }
    return {
        **{f"shifted by {step}": shifted(images_NHW, *step) for step in ((0, 1), (0, -1), (1, 0), (-1, 0))},
        **{f"shifted by {step}": shifted(images_NHW, *step) for step in ((1, 1), (1, -1), (-1, 1), (-1, -1))},
        "mirrored": images_NHW[:, :, ::-1],
        **{name: np.clip(np.rint(values), 0, 255).astype(np.uint8) for name, values in changed.items()},
        "JPEG, quality 50": np.stack([compressed(image, 50) for image in images_NHW]),
    }


def shifted(images_NHW: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """The images moved by (dy, dx) pixels, their edge repeated."""
    padded = np.pad(images_NHW, ((0, 0), (1, 1), (1, 1)), mode="edge")
    height, width = images_NHW.shape[1:]
    return padded[:, 1 - dy : 1 - dy + height, 1 - dx : 1 - dx + width]


def compressed(image_HW: np.ndarray, quality: int) -> np.ndarray:
    """The image after JPEG compression."""
    file = io.BytesIO()
    Image.fromarray(image_HW).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def real_faces(folder: Path) -> None:
    """Nothing; prints the time of the whole scan, and the recalls of copies planted among Training."""
    with tempfile.TemporaryDirectory() as cache:
        dataset = open_dataset(Part(name="fer2013"), {"fer2013": folder}, Path(cache))
        start = time.perf_counter()
        found = audit(dataset)
        seconds = time.perf_counter() - start
        images = sum(len(dataset.split(name)) for name in dataset.counts)
        print(f"FER2013, {images:,} images, exact and near: {seconds:.1f} s")
        print(f"  test images with an exact copy in train {found.leaked['test']}, a near one "
              f"{found.nearly_leaked['test']}; near pairs {len(found.near)}")  # fmt: skip
        train = np.asarray(dataset.split("train").images)
    shows = np.flatnonzero(np.ptp(train.reshape(len(train), -1).astype(int), axis=1) > 8)
    places = np.random.default_rng(0).choice(shows, PLANTED, replace=False)
    among = prepare(train)
    for kind, changed in kinds(train[places]).items():
        pairs = {(pair.left, pair.right) for pair in near_pairs(prepare(changed), among)}
        share = sum((n, int(place)) in pairs for n, place in enumerate(places)) / len(places)
        print(f"  {kind:24}{share:8.1%}")


def drawn_faces() -> None:
    """Nothing; prints how many of 1,000 drawn faces have a near copy among 2,000 of other people."""
    for seed in SEEDS:
        drawn = load("dataset", "synthetic_faces")(train=2000, validation=1, test=1000, seed=seed)
        pairs = near_pairs(prepare(drawn.test.images), prepare(drawn.train.images))
        print(f"drawn faces, seed {seed}: {len({pair.left for pair in pairs})} of 1,000 flagged")


def main() -> int:
    """The exit code; prints what was measured."""
    print(f"threads: {os.environ.get('OMP_NUM_THREADS', 'all')}")
    drawn_faces()
    folder = Path(os.environ.get("PAPERKIT_DATA", "")) / "fer2013"
    if not (folder / "fer2013.csv").is_file():
        print("Set PAPERKIT_DATA to a folder that holds fer2013/fer2013.csv.", file=sys.stderr)
        return 2
    real_faces(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
