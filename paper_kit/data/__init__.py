"""Datasets: decoded once into memory-mapped arrays, split, described and audited."""
