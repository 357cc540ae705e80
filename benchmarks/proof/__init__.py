"""The proof: a seeded year through the whole pipeline, measured against its truth. `python -m benchmarks.proof`."""
