"""What every `OnfitCallback` is made of: callbacks in a training that another library owns."""

from onfit.integrations.hosting.callback import Hosting
from onfit.integrations.hosting.sessions import Hosted, SelfEnding

__all__ = ["Hosted", "Hosting", "SelfEnding"]
