"""Speed and memory, measured against a small AWS with latency and rates, told as ratios: ``python -m benchmarks``."""
