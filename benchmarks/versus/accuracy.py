"""Whether speed costs accuracy: the same epochs with each, test accuracy over seeds with a 95 % interval."""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from scipy.stats import t as student

from benchmarks.versus.ratios import OURS
from benchmarks.versus.turns import Turn, ask

LEVEL = 0.95


def interval(mean: float, variance: float, freedom: float) -> tuple[float, float]:
    """(low, high) about a mean, from the variance of that mean; unbounded with no degree of freedom."""
    if freedom <= 0:
        return -math.inf, math.inf
    half = float(student.ppf((1 + LEVEL) / 2, freedom)) * math.sqrt(variance)
    return mean - half, mean + half


def of_seeds(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean over seeds and its interval by Student's t."""
    mean, count = statistics.fmean(values), len(values)
    variance = statistics.variance(values) / count if count > 1 else 0.0
    return mean, *interval(mean, variance, count - 1)


def difference(ours: Sequence[float], peer: Sequence[float]) -> tuple[float, float, float]:
    """Mean of ours - peer over the same seeds (the same first weights and images), and its interval."""
    return of_seeds([a - b for a, b in zip(ours, peer, strict=True)])


def compare(given: argparse.Namespace, folder: Path) -> tuple[bool, dict[str, str]]:
    """Whether no peer is better beyond noise, and the libraries' versions; the table is on stdout."""
    who: list[Turn] = [OURS, *((peer, "best") for peer in given.peers)]
    fine, versions = True, {}
    for case in given.cases:
        found: dict[Turn, list[float]] = {turn: [] for turn in who}
        flags: dict[Turn, dict[str, object]] = {}
        for seed in given.seeds:
            for turn in who:
                flags_now = flags.get(turn, {})
                answer = ask(given, folder, case, turn, flags=flags_now, epochs=given.epochs, seed=seed)
                flags[turn] = answer["flags"]
                versions |= answer["versions"]
                found[turn].append(answer["correct"] / answer["tested"])
                told = f"seed {seed} {case} {turn[0]}: {found[turn][-1]:.4f} in {answer['wall']:.0f} s"
                print(told, file=sys.stderr)
        fine &= _print(case, found, given)
    return fine, versions


def _print(case: str, found: dict[Turn, list[float]], given: argparse.Namespace) -> bool:
    """Whether no peer is better than ours beyond noise."""
    seeds = len(given.seeds)
    print(f"\n{case}: test accuracy in % after {given.epochs} epochs, mean of {seeds} seeds, 95 % interval")
    fine = True
    for (name, _), values in found.items():
        line = f"  {name:10} {_percent(of_seeds(values), '')}"
        if name != OURS[0]:
            gap = difference(found[OURS], values)
            lower = gap[2] < 0
            fine &= not lower
            line += f"   ours - {name}: {_percent(gap, '+')}{'  LOWER' if lower else ''}"
        print(line)
    return fine


def _percent(values: tuple[float, float, float], sign: str) -> str:
    mean, low, high = (100 * value for value in values)
    return f"{mean:{sign}.1f} [{low:{sign}.1f}, {high:{sign}.1f}]"
