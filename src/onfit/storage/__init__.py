"""Files that are either whole or not there."""

from onfit.storage.durable import replacing, require_writable

__all__ = ["replacing", "require_writable"]
