"""Emulated vendors over a seeded retail chain whose truth is known.

Independent of the product on purpose: nothing here imports `orchestration`, so the truth cannot inherit its mistakes.
"""
