"""Intervals of one proportion."""

from __future__ import annotations


def wilson(successes: float, total: float, level: float = 0.95) -> tuple[float, float]:
    """(low, high) of a proportion, as fractions; (0, 1) where nothing was tried; means of counts serve too.

    Source: Wilson 1927, Probable inference, the law of succession, and statistical inference; by statsmodels.
    """
    if total == 0:
        return 0.0, 1.0
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, total, alpha=1 - level, method="wilson")
    rate = successes / total  # which rounding leaves outside where all or none succeeded
    return min(float(low), rate), max(float(high), rate)
