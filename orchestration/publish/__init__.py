"""From dbt's marts to the files that BI opens, with the history of what was said. No orchestrator in here."""
