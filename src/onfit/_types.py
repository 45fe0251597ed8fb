"""Shared aliases for annotations; nothing here runs."""

import os
from collections.abc import Callable, Mapping
from typing import Any, Literal

StrPath = str | os.PathLike[str]
Mode = Literal["min", "max"]
AskedMode = Literal["auto", "min", "max"]
Distribution = Literal["auto", "ddp", "fsdp"]
OnMissing = Literal["warn", "raise"]
LogValues = Mapping[str, Any]
Hook = Callable[..., object]
