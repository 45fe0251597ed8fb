"""Numbers too small for a float's full precision, which a processor takes many times as long for.

They fill Adam's momentum of dead units. XLA takes them for zero; torch is asked to do the same, so
that all do the same maths at the same price.
"""

import sys


def taken_for_zero() -> None:
    """In this process, if torch is loaded, and in its threads: call it before the first starts."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(True)
