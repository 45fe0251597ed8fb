"""Layers around other layers, and layers as plain data."""
