"""Layers for data with three axes of space: volumes, or films."""
