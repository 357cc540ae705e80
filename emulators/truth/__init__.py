"""The truth of a world: what an honest system must say after some waves of uploads.

Follows the published rules in an implementation of its own, from the world's arrays and marks, never from a file.
"""
