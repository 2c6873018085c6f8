"""Quantiles, intervals, fairness: plain arrays in, plain numbers out."""
