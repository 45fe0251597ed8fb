"""Whether a training that is not asked for a bar draws one."""

from onfit.core.console import Interactive


def disable_interactive_logging() -> None:
    """Draw no bars unless asked: from now on `verbose="auto"` is 2, a line per epoch.

    This suits a program whose output goes to a file, such as a job on a server. `verbose=1` still
    draws a bar. What callbacks and lines of `fit` say goes to the log `onfit` of Python's `logging`
    instead of being printed, if the program has that log take lines of level INFO.

    Example:
        >>> disable_interactive_logging()
        >>> is_interactive_logging_enabled()
        False
        >>> enable_interactive_logging()
    """
    Interactive.enabled = False


def enable_interactive_logging() -> None:
    """Draw bars again: from now on `verbose="auto"` is 1. This is so when a program starts."""
    Interactive.enabled = True


def is_interactive_logging_enabled() -> bool:
    """Whether `verbose="auto"` draws bars."""
    return Interactive.enabled
