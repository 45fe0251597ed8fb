"""Every error that onfit raises, drawn as one tree.

    OnfitError
    ├── ArgumentError       (ValueError)    a value that the argument cannot have
    │   ├── NotConnectedError               a layer that no symbol came through: no input, no output
    │   └── OnlyReadError                   an attribute that cannot be set
    ├── ArgumentTypeError   (TypeError)     an argument of the wrong kind
    ├── DataError           (ValueError)    data that cannot be trained on
    │   └── ShapeError                      a shape that a layer or a loss cannot take
    ├── CapabilityError     (TypeError)     a callback needs what this model cannot do
    ├── NotReadyError       (RuntimeError)  a model that is not built or not compiled yet
    ├── OutOfStepError      (RuntimeError)  processes that are not at one place of the training
    ├── InvalidLossError    (RuntimeError)  a loss that is NaN or infinite
    ├── MissingMetricError  (KeyError)      a metric name that no log has
    ├── FileFormatError     (ValueError)    a file in another format than expected
    ├── StorageError        (OSError)       a file that cannot be written or read
    ├── MissingPackageError (ImportError)   an optional library that is not installed
    └── MissingModuleError  (ImportError)   a module of Keras that onfit has not

Each is also a subclass of the built-in exception beside it, so `except ValueError` keeps working.
Each error text says three things: what was asked, what was found, what to do.
"""

import contextlib
import difflib
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import FrameType, MappingProxyType
from typing import NoReturn

from onfit._instead import ROOMS


class OnfitError(Exception):
    """The root of the tree: `except OnfitError` catches every error that onfit raises itself."""


class ArgumentError(OnfitError, ValueError):
    """An argument has a value it cannot have."""


class ArgumentTypeError(OnfitError, TypeError):
    """An argument is of a kind it cannot be."""


class DataError(OnfitError, ValueError):
    """The data given to a model cannot be used."""


class ShapeError(DataError):
    """A layer, a loss or a weight met a shape that does not fit."""


class CapabilityError(OnfitError, TypeError):
    """A callback needs something that this model cannot do."""


class NotReadyError(OnfitError, RuntimeError):
    """The model must be built or compiled before this can be done."""


class NotConnectedError(ArgumentError, AttributeError):
    """A layer or a model has no input and no output yet, or several of them.

    It is an AttributeError, so that `hasattr(layer, "output")` is False.
    """


class OnlyReadError(ArgumentError, AttributeError):
    """An attribute that is only read was set."""


class OutOfStepError(OnfitError, RuntimeError):
    """The processes that train together are not at one place of the training."""


class InvalidLossError(OnfitError, RuntimeError):
    """The loss of a batch was NaN or infinite."""


class MissingMetricError(OnfitError, KeyError):
    """A metric was asked for by a name that no log has."""

    # KeyError shows the repr of its text, with quotes; a sentence should appear without them.
    __str__ = Exception.__str__


class FileFormatError(OnfitError, ValueError):
    """A file is not in the expected format."""


class StorageError(OnfitError, OSError):
    """A file or folder cannot be written or read."""


class MissingPackageError(OnfitError, ImportError):
    """An optional library is needed and not installed."""


class MissingModuleError(OnfitError, ModuleNotFoundError):
    """A module that Keras has, and onfit has not, was imported."""


class OnfitWarning(UserWarning):
    """A problem that does not end the run; each is reported once."""


def out_of_order(event: str, missing: str) -> NotReadyError:
    """The error for an event of a session that came before another one that has to come first."""
    return NotReadyError(
        f"{event}() was called before {missing}(). The events of a session are train_begin; for "
        "each epoch epoch_begin, batch_begin and batch_end of each batch, any validation, "
        "epoch_end; at last train_end, once."
    )


def did_you_mean(name: object, options: Iterable[str]) -> str:
    """A question that names the option nearest to `name`; empty if none is near. Capitals and
    underscores do not count.

    >>> did_you_mean("adm", ["sgd", "adam"])
    " Did you mean 'adam'?"
    >>> did_you_mean("Conv2d", ["Cropping2D", "Conv2D"])
    " Did you mean 'Conv2D'?"
    >>> did_you_mean("val_loss", ["loss", "val_loss/dataloader_idx_0"])
    " Did you mean 'val_loss/dataloader_idx_0'?"
    """
    spellings: dict[str, list[str]] = {}
    for option in map(str, options):
        if option.startswith(f"{name}/"):
            return f" Did you mean {option!r}?"
        spellings.setdefault(_folded(option), []).append(option)
    near = difflib.get_close_matches(_folded(name), spellings, n=1)
    if not near:
        return ""
    best = difflib.get_close_matches(str(name), spellings[near[0]], n=1, cutoff=0)
    return f" Did you mean {best[0]!r}?"


def _folded(name: object) -> str:
    return str(name).lower().replace("_", "")


def refusal_of_names(
    module: str, known: Iterable[str], instead: Mapping[str, str] = MappingProxyType({})
) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module: a function that refuses a name that the module lacks.

    Args:
        module: the name of the module.
        known: its public names.
        instead: what to write instead of names that other libraries have; those of Keras are known.

    Raises:
        AttributeError: when it is called; the text names the nearest of `known`.
    """
    elsewhere = {**ROOMS.get(module.rpartition(".")[2], {}), **instead}

    def refuse(name: str) -> NoReturn:
        hint = f" Write {elsewhere[name]}." if name in elsewhere else did_you_mean(name, known)
        hint = hint or f" dir({module}) lists what it has."
        # With `name` left empty, a traceback does not add a second guess to this one.
        raise AttributeError(f"module {module!r} has no attribute {name!r}.{hint}", obj=None)

    return refuse


def warn(text: str) -> None:
    """Warn the user, at the line of the user's own code that led here.

    A stderr that is closed or full ends nothing: a warning only talks.
    """
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_code.co_filename.startswith(_NOT_THE_USERS):
        frame, level = frame.f_back, level + 1
    with suppress(OSError, ValueError):
        warnings.warn(text, OnfitWarning, stacklevel=level)


# The files of this library, and of what calls its functions for it.
_NOT_THE_USERS = (os.path.dirname(__file__) + os.sep, contextlib.__file__)
