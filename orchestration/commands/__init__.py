"""What the verbs of `footfall` do. Signatures and help stand in cli_*.py; the work itself in the rooms they call."""
