"""Footfall: people-counter and sales feeds to branch numbers that can be trusted."""
