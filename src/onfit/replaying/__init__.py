"""What callbacks would have decided in a training that is recorded: `onfit.replay`."""

from onfit.replaying.replay import Replay, replay

__all__ = ["Replay", "replay"]
