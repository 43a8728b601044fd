"""How far probabilities can be trusted, before and after one temperature that validation images set."""

from __future__ import annotations

import numpy as np

from paper_kit.analysis.facts._sheet import Sheet, measured_origin
from paper_kit.analysis.predictions import Measured
from paper_kit.analysis.results import Results
from paper_kit.stats import calibration, metrics
from paper_kit.stats.metrics import Floats


def put_calibration(sheet: Sheet, results: Results, key: str, measured: Measured) -> None:
    """Nothing; <key>.temperature and <key>.ece_calibrated, means over the seeds; missing until measured.

    Source: temperature scaling, Guo et al. 2017, On calibration of modern neural networks, section 4.2.
    """
    scaled = [_scaled(results, measured, place) for place in range(len(measured.readings))]
    values = np.mean(scaled, axis=0) if measured.complete else (None, None)
    origin = measured_origin(measured, "temperature that the validation images set")
    sheet.add(f"{key}.temperature", _number(values[0]), "number", 2, origin=origin)
    origin = measured_origin(measured, "ece after division by the temperature")
    sheet.add(f"{key}.ece_calibrated", _number(values[1]), "percent", 1, origin=origin)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float) else None


def _scaled(results: Results, measured: Measured, place: int) -> tuple[float, float]:
    """The temperature of one seed's network and its calibration error on the test images with it."""
    if not measured.complete:
        return float("nan"), float("nan")
    temperature, softened_NK = softened(results, measured, place)
    labels_N = measured.predictions[place].labels
    return temperature, calibration.expected_calibration_error(softened_NK, labels_N)


def softened(results: Results, measured: Measured, place: int) -> tuple[float, Floats]:
    """One finished seed's temperature, fitted on validation, and its test probabilities_NK with it."""
    validation = results.predictions(measured.readings[place]._replace(split="validation"))
    logits_NK = np.log(np.clip(validation.probabilities, calibration.SMALLEST, 1.0))
    temperature = calibration.temperature(logits_NK, validation.labels)
    test = measured.predictions[place]
    logits_NK = np.log(np.clip(test.probabilities, calibration.SMALLEST, 1.0))
    return temperature, metrics.softmax(logits_NK / temperature)
