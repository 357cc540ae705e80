"""Vendors' interfaces as plain Python: fetch bytes, parse bytes. Nothing here imports dagster."""
