"""Tiny RAF-DB, AffectNet and CK+ on disk, in each form that people have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

AFFECTNET_HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
)
POSED = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")  # ids 1 to 7


def picture(path: Path, seed: int, size: tuple[int, int] = (20, 20), colour: bool = True) -> None:
    """Writes an image of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], 3) if colour else (size[1], size[0])
    noise = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(noise).save(path)


def rafdb_list(root: Path, train: int = 4, test: int = 2) -> Path:
    """The authors' form, `train` and `test` images of each class; gives the folder."""
    lines = []
    for part, each in (("train", train), ("test", test)):
        for number in range(7 * each):
            lines.append(f"{part}_{number + 1:05d}.jpg {number % 7 + 1}")
            picture(root / "Image" / "aligned" / f"{part}_{number + 1:05d}_aligned.jpg", len(lines))
    (root / "EmoLabel").mkdir()
    (root / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines) + "\n")
    return root


def affectnet_annotations(root: Path, train: int = 3, test: int = 2, ids: int = 11) -> Path:
    """The form of one annotation an image, with the ids 0 to 10; some are texts, some are numbers."""
    for folder, each in (("train_set", train), ("val_set", test)):
        (root / folder / "annotations").mkdir(parents=True)
        for number in range(ids * each):
            picture(root / folder / "images" / f"{number}.jpg", number, (24, 24))
            label = np.array(str(number % ids)) if number % 2 else np.array(float(number % ids))
            np.save(root / folder / "annotations" / f"{number}_exp.npy", label)
            np.save(root / folder / "annotations" / f"{number}_val.npy", np.array(0.5))
    return root


def affectnet_csv(root: Path, train: int = 3, test: int = 2) -> Path:
    """The form of two CSV files: noise with a white face in its box."""
    for name, each in (("training", train), ("validation", test)):
        rows = [AFFECTNET_HEADER]
        for number in range(11 * each):
            file = f"{number % 3}/{name}{number}.png"
            image = np.full((40, 60, 3), 10, dtype=np.uint8)
            image[5:25, 30:50] = 250
            path = root / "Manually_Annotated_Images" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
            box = "NULL,NULL,NULL,NULL" if number % 11 > 8 else "30,5,20,20"
            rows.append(f"{file},{box},1;2;3,{number % 11},0.1,-0.2")
        (root / f"{name}.csv").write_text("\n".join(rows) + "\n")
    return root


def ckplus_sequences(root: Path, people: int = 8, frames: int = 5, landmarks: bool = False) -> Path:
    """The authors' form: each person shows the seven expressions; sequence 008 of each has no label."""
    for person in range(people):
        for number in range(1, 9):
            where = f"S{person + 5:03d}/{number:03d}"
            for frame in range(1, frames + 1):
                stem = f"S{person + 5:03d}_{number:03d}_{frame:08d}"
                seed = person * 1000 + number * 100 + frame
                picture(root / "cohn-kanade-images" / where / f"{stem}.png", seed, (64, 48), colour=False)
                if landmarks:
                    note = root / "Landmarks" / where / f"{stem}_landmarks.txt"
                    note.parent.mkdir(parents=True, exist_ok=True)
                    note.write_text("   2.0e+01   1.0e+01\n   4.0e+01   3.0e+01\n")
            if number < 8:
                note = root / "Emotion" / where / f"{stem}_emotion.txt"
                note.parent.mkdir(parents=True, exist_ok=True)
                note.write_text(f"   {number}.0000000e+00\n")
    return root


def ckplus_folders(root: Path, people: int = 8, frames: int = 4) -> Path:
    """The form of class folders, the names as in cropped copies."""
    for person in range(people):
        for number, name in enumerate(POSED, start=1):
            for frame in range(10, 10 + frames):
                stem = f"S{person + 5:03d}_{number:03d}_{frame:08d}"
                picture(root / name / f"{stem}.png", person * 100 + number * 10 + frame, colour=False)
    return root


def ferplus_votes(root: Path, csv: Path) -> Path:
    """FER+'s votes for the rows of a FER2013 CSV: seven for one class, three for the next; gives the file."""
    usages = [line.rpartition(",")[2] for line in csv.read_text().splitlines()[1:]]
    lines = ["Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"]
    for row, usage in enumerate(usages):
        votes = ["0"] * 10
        votes[row % 8], votes[(row + 1) % 8] = "7", "3"
        lines.append(",".join([usage, f"fer{row:07d}.png", *votes]))
    (root / "fer2013new.csv").write_text("\n".join(lines) + "\n")
    return root / "fer2013new.csv"
