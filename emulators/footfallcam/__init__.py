"""FootfallCam's interfaces, emulated over plain data.

Counters in their network (counters.py, bodies.py), the portal's export (portal.py), and an account with its sites and
Cube (account.py), all over what traffic.py holds. What is real about them: docs/footfallcam.md.
"""
