"""Computations of tensors under Keras' names: what `onfit.ops` computes, and graphs record.

Each is entered in one table (`table.py`), by which a graph and a file find it again.
"""

from onfit.operations import elementwise, making, networks, products, reducing, shaping
from onfit.operations.table import BY_CLASS, COMPUTATIONS, Axis, Computation, computation

__all__ = [
    "BY_CLASS",
    "COMPUTATIONS",
    "Axis",
    "Computation",
    "computation",
    "elementwise",
    "making",
    "networks",
    "products",
    "reducing",
    "shaping",
]
