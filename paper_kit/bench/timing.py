"""Seconds of repeated calls on a device: warmed up, waited for, one after the other or in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

WARM_UP = 3  # calls before each timing, not counted
FEWEST, MOST = 5, 200  # calls of a timing
WANTED = 20  # calls below which a 95th percentile is little more than a maximum
LONGEST = 4.0  # times the seconds of a timing that may be spent to come to WANTED calls


def timed(call: Callable[[], Any], device: torch.device, seconds: float) -> list[float]:
    """Seconds of each of 5 to 200 calls, until `seconds` have passed; the first calls are not counted.

    Up to four times as long is spent to come to 20 calls.
    """
    for _ in range(WARM_UP):
        call()
    found: list[float] = []
    total = 0.0
    while not _enough(len(found), total, seconds):
        found.append(taken(call, device))
        total += found[-1]
    return found


def _enough(calls: int, total: float, seconds: float) -> bool:
    if calls < FEWEST:
        return False
    return calls >= MOST or total >= seconds * (1.0 if calls >= WANTED else LONGEST)


def in_turn(
    calls: Sequence[Callable[[], Any]], device: torch.device, seconds: float
) -> tuple[list[float], ...]:
    """Seconds of each call in 5 to 200 rounds, until all took `seconds`; each round begins with another one.

    The first rounds are not counted.
    """
    found: tuple[list[float], ...] = tuple([] for _ in calls)
    number = -WARM_UP
    while number < FEWEST or (number < MOST and sum(map(sum, found)) < seconds):
        for place in range(len(calls)):
            chosen = (place + number) % len(calls)
            passed = taken(calls[chosen], device)
            if number >= 0:
                found[chosen].append(passed)
        number += 1
    return found


def taken(call: Callable[[], Any], device: torch.device) -> float:
    """Seconds of one call, until the device has done it."""
    wait(device)
    start = time.perf_counter()
    call()
    wait(device)
    return time.perf_counter() - start


def wait(device: torch.device) -> None:
    """Nothing; the device has done all that it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def percentile_ms(seconds: Sequence[float], percent: float) -> float:
    """Milliseconds within which `percent` of the calls were done."""
    return float(np.percentile(seconds, percent)) * 1e3
