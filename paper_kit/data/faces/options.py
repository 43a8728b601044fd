"""The check of the options that the synthetic datasets share."""

from collections.abc import Mapping

from paper_kit.core.errors import InputError

SMALLEST = 24  # pixels; below, a brow is thinner than a third of a pixel


def check_options(counts: Mapping[str, int], size: int, fractions: Mapping[str, float]) -> None:
    """Nothing when all options can be drawn; InputError lists those that cannot."""
    problems = [f"{name} = {n}: a split needs at least 1 image." for name, n in counts.items() if n < 1]
    problems += [
        f"{name} = {value}: it is a fraction, from 0 to 1."
        for name, value in fractions.items()
        if not 0.0 <= value <= 1.0
    ]
    if size < SMALLEST:
        problems.append(f"size = {size}: faces are drawn from {SMALLEST} pixels upwards, such as size = 48.")
    if problems:
        raise InputError(problems)
