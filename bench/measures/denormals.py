"""Numbers too small for a float's full precision: a processor takes many times as long for them.

They fill Adam's momentum of dead units. XLA treats them as zero. torch is set to do the same, so
that all contenders do the same maths at the same cost.
"""

import sys


def taken_for_zero() -> None:
    """Treat them as zero in this process, if torch is loaded; call it before torch has threads."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(True)
