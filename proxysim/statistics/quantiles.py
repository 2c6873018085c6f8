"""Quantiles of samples, whole and by window of time, and the tail of a distribution."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proxysim.errors import ResultError

__all__ = ["quantiles", "windowed_quantiles"]

Floats = NDArray[np.float64]


def quantiles(values: ArrayLike, shares: ArrayLike) -> Floats:
    """The quantiles of *values* at *shares* (0 to 1), of the shape of *shares*; nan without values.

    Interpolated linearly between order statistics: type 7 of Hyndman and Fan, "Sample Quantiles in
    Statistical Packages", The American Statistician 50(4), 1996, which is numpy's default.
    """
    found: Floats = np.asarray(values, dtype=np.float64).ravel()
    asked: Floats = np.asarray(shares, dtype=np.float64)
    if asked.size and not (asked.min() >= 0 and asked.max() <= 1):
        raise ResultError(f"quantiles at {asked.tolist()}", mend="Give shares from 0 to 1.")
    if not found.size:
        return np.full(asked.shape, np.nan)
    return np.asarray(np.quantile(found, asked), dtype=np.float64)


def windowed_quantiles(
    times: ArrayLike, values: ArrayLike, edges: ArrayLike, shares: ArrayLike
) -> Floats:
    """Quantiles of *values* whose *times* fall in each window [edges[i], edges[i + 1]).

    One row a window, one column a share; nan where a window holds no value.
    """
    when: Floats = np.asarray(times, dtype=np.float64).ravel()
    found: Floats = np.asarray(values, dtype=np.float64).ravel()
    bounds: Floats = np.asarray(edges, dtype=np.float64).ravel()
    asked: Floats = np.asarray(shares, dtype=np.float64).ravel()
    if when.size != found.size:
        raise ResultError(f"{when.size} times for {found.size} values", mend="Give one each.")
    if bounds.size < 2 or not np.all(np.diff(bounds) > 0):
        raise ResultError("windows whose edges do not ascend", mend="Give two edges or more.")
    order = np.argsort(when, kind="stable")
    cuts = np.searchsorted(when[order], bounds, side="left")
    found = found[order]
    return np.array([quantiles(found[low:high], asked) for low, high in pairwise(cuts.tolist())])
