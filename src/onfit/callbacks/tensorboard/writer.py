"""TensorBoard's own writer, with other names for its files. Imports tensorboard."""

import re
from typing import Any

from tensorboard.compat import tf
from tensorboard.summary.writer.event_file_writer import EventFileWriter

# TensorBoard's name of a file: the second it was opened in, then host, process and number.
_NAME = re.compile(r"(?P<before>(?:.*[/\\])?events\.out\.tfevents\.)(?P<second>\d+)(?P<after>\..*)")


class OrderedWriter(EventFileWriter):  # type: ignore[misc]
    """Writes a file that sorts after all event files that are in its folder already.

    TensorBoard reads the files of a folder in the order of their names, and a resumed run can only
    hide values that come earlier in this order. Two files opened in the same second, or a clock
    that was set back, would reverse the order.

    The files say that they are of version 1. TensorBoard then hides older values tag by tag, as its
    faster reader does with any file. In a file of version 2 it hides the values of all tags from
    one step on, and steps of epochs cannot be told from steps of batches.

    Args:
        logdir: the folder; made if it is missing.
        flush_secs: what is written is in the file after so many seconds.
    """

    def add_event(self, event: Any) -> None:
        """Add an event. The base class adds the first one, which says the file's version."""
        if event.HasField("file_version"):
            event.file_version = "brain.Event:1"
        super().add_event(event)

    @property
    def _file_name(self) -> str:
        return self._later_name

    @_file_name.setter
    def _file_name(self, name: str) -> None:
        """The base class sets its file's name here, after it has made the folder."""
        self._later_name = _later(name, _names_in(self.get_logdir()))


def _later(name: str, others: list[str]) -> str:
    """`name` with a second that is later than those of all `others`.

    >>> _later("run/events.out.tfevents.0000000007.pc.1.0", ["events.out.tfevents.0000000007.pc.9"])
    'run/events.out.tfevents.0000000008.pc.1.0'
    """
    mine = _NAME.fullmatch(name)
    if mine is None:
        return name
    taken = [int(match["second"]) for match in map(_NAME.fullmatch, others) if match]
    second = max([int(mine["second"]), *(one + 1 for one in taken)])
    return f"{mine['before']}{second:010d}{mine['after']}"


def _names_in(folder: str) -> list[str]:
    # In some stores a folder exists only when there is something in it.
    return list(tf.io.gfile.listdir(folder)) if tf.io.gfile.isdir(folder) else []
