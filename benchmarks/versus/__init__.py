"""The product's training loop beside those that a user would pick instead; `python -m benchmarks.versus`."""
