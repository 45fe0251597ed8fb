"""Layers without weights that give what comes in another shape."""
