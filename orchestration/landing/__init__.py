"""Bytes to disk, durable and immutable, before anything reads them; and the ledger of what came."""
