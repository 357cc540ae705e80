"""Tests of the emulated chain: if its truth were wrong, every comparison with it would be worth nothing."""
