"""paperkit predict: what a finished run says of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paper_kit.cli.options import Device, DeviceName, Run
from paper_kit.cli.text import columns

Images = Annotated[list[Path], typer.Argument(help="Image files of any size; faces, cut as in training.")]


def predict(run: Run, images: Images, device: Device = DeviceName.AUTO) -> None:
    """Say which class a finished run sees in each image.

    The run's test-time views are averaged. Its weights must be here (keep_weights = true; pack --weights).
    """
    from paper_kit.cli.workplace import find_run, finished_record, workplace
    from paper_kit.core.errors import InputError
    from paper_kit.data.pictures import read_pictures

    place = workplace()
    spec = find_run(run, place.store, place.plans())
    if spec.task != "emotion":
        raise InputError(
            f"The run {spec.id} is a source run; it tells no classes. Name one that starts from it."
        )
    classes = finished_record(spec, place.store).classes
    pixels = read_pictures(images, spec.image_size, spec.channels)
    from paper_kit.bench.predict import (
        predict as probabilities_of,
    )  # torch, once the input is known to be good

    rows = [("image", "class", "probability", "next")]
    for path, chances in zip(
        images, probabilities_of(place.store, spec.id, pixels, device.value), strict=True
    ):
        first, second = sorted(range(len(classes)), key=lambda k: -chances[k])[:2]
        then = f"{classes[second]} {100 * chances[second]:.1f} %"
        rows.append((str(path), classes[first], f"{100 * chances[first]:.1f} %", then))
    typer.echo(columns(rows))
