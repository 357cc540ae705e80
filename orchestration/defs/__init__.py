"""Dagster's view of the house: assets, checks, jobs, schedules, sensors. Thin over the steps, no logic of its own."""
