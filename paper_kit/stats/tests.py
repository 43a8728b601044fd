"""Tests of two models on the same images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mcnemar(first_right_N: NDArray[Any], second_right_N: NDArray[Any]) -> float:
    """Two-sided exact p-value that two models err equally often on the same images.

    Source: McNemar 1947, Note on the sampling error of the difference between correlated proportions; the
    binomial form, by statsmodels.
    """
    from statsmodels.stats.contingency_tables import mcnemar as exact_test

    first, second = first_right_N.astype(bool), second_right_N.astype(bool)
    table = np.array([[(first & second).sum(), (first & ~second).sum()], [(~first & second).sum(), 0]])
    return float(exact_test(table, exact=True).pvalue)
