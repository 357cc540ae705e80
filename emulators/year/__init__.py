"""A seeded chain's year of counts and sales, delivered as files, with faults whose truth is known to the quarter hour.

Larger and coarser than the world of world.py (hundreds of counters, numpy throughout), made for measuring rather than
for comparing every row: what was lost, frozen, moved or late, and what people really did meanwhile.
"""
