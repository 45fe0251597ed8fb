"""Layers that look at all steps of another sequence."""
