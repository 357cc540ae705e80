"""Payloads of one feed and day, as typed rows in Parquet with their rejections beside them."""
