"""`load_model`."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from onfit._arguments import check_flags
from onfit._types import StrPath
from onfit.engine.model.arguments import refuse_unsupported
from onfit.engine.model.weights import load_extra_states
from onfit.errors import FileFormatError, OnfitError, warn
from onfit.layers.weights.room import weights_within
from onfit.registered import with_registered
from onfit.saving.beside import own_of
from onfit.saving.contents import Config, Contents
from onfit.saving.fitting import put_in
from onfit.saving.formats import format_to_load
from onfit.saving.rebuild import model_from_config
from onfit.saving.state import restore_optimizer
from onfit.saving.torch_state import KeptState, rebuilt
from onfit.saving.training import compile_arguments, losses_arguments

if TYPE_CHECKING:
    from onfit.engine.model.model import Model


def load_model(
    filepath: StrPath,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002  # Keras' name
    safe_mode: bool = True,
    **old: Any,
) -> "Model":
    """Read a whole model that `save`, or Keras, wrote.

    It predicts as it did, and goes on training as it would have: the optimizer's state, the
    learning rate and the number of steps taken come back too. Nothing is ever unpickled.

    Args:
        filepath: the file, `.keras`, `.h5` or `.hdf5`.
        custom_objects: your own layer classes, losses, metrics, activations and initializers,
            by the names they were written with.
        compile: False leaves out loss, metrics and optimizer. A model that was saved
            uncompiled comes back uncompiled in any case. A torch optimizer is made again if its
            class is torch's own, or in `custom_objects`; else the model comes back uncompiled, and
            the optimizer of that class that you `compile` it with, with the arguments that you give
            it, takes up the state.
        safe_mode: accepted, as in Keras, without effect: no code is ever read from a file.
        **old: refused, with the nearest argument that there is.

    Raises:
        ArgumentError: for a name with another suffix.
        StorageError: if there is no such file.
        FileFormatError: if it is damaged, or holds something else, or something that neither
            onfit nor `custom_objects` has; it says what.

    Example:
        >>> model = load_model("best.h5", custom_objects={"my_loss": my_loss})  # doctest: +SKIP
    """
    refuse_unsupported(load_model, old)
    form = format_to_load(filepath)
    check_flags("load_model", compile=compile)
    asked, custom = f"load_model({os.fspath(filepath)!r})", with_registered(custom_objects)
    with form.opened(os.fspath(filepath), "load_model") as contents:
        if contents.model_config is None:
            raise FileFormatError(_lacks_layers(asked, os.fspath(filepath)))
        # A few words can describe a layer that no machine has room for.
        with as_format_error(asked, ""), weights_within(contents.numbers):
            model = model_from_config(contents.model_config, custom)
        put_in(model, contents, asked)
        own = own_of(contents)
        load_extra_states(model._inside, own.get("extra_states", {}))
        if compile and contents.training_config is not None:
            _compile(model, contents, custom, asked)
        elif compile and "training" in own:
            _compile_by_torch(model, own["training"], custom, asked)
        return model


def _compile(model: "Model", contents: Contents, custom: Mapping[str, Any], asked: str) -> None:
    assert contents.training_config is not None
    with as_format_error(asked, _OR_NOT_COMPILED):
        model.compile(**compile_arguments(contents.training_config, custom))
    if not contents.optimizer:
        return
    optimizer = model.compiled.optimizer
    with as_format_error(asked, ""):
        restored = restore_optimizer(model, optimizer, contents.optimizer, asked)
    if not restored:
        warn(
            f"{asked}: the optimizer's state in it is not of the form that {optimizer.name} has "
            "here, and is left out: the optimizer starts afresh."
        )


def _compile_by_torch(
    model: "Model", training: Config, custom: Mapping[str, Any], asked: str
) -> None:
    """Compile it with a torch optimizer, or have the one that `compile` gets take up the state."""
    with as_format_error(asked, ""):
        kept = KeptState(training["optimizer"], asked)
        optimizer = rebuilt(model, training["optimizer"], custom)
        if optimizer is None or training["losses"] is None:
            model.state_for_optimizer = kept
            warn(_left_to_compile(asked, kept.kinds, optimizer is None))
            return
    with as_format_error(asked, _OR_NOT_COMPILED):
        model.compile(optimizer, **losses_arguments(training["losses"], custom))
    with as_format_error(asked, ""):
        optimizer.build(model.trained_weights)
        kept.give(model, optimizer)


def _left_to_compile(asked: str, kinds: list[str], optimizer: bool) -> str:
    kind = " and ".join(kinds)
    why = f"its optimizer, {kind}, is not made" if optimizer else "it has no loss"
    return (
        f"{asked}: {why} from a file, so the model is not compiled. Call compile with that kind of "
        f"optimizer ({kind}): it takes up the state in the file. Or pass a class in "
        "custom_objects."
    )


@contextmanager
def as_format_error(asked: str, advice: str) -> Iterator[None]:
    """A block in which everything that goes wrong is the fault of the file's configuration."""
    try:
        yield
    except OnfitError as error:
        raise FileFormatError(f"{asked}: {error}{advice}") from error
    except _SIGNS_OF_NONSENSE as error:
        raise FileFormatError(
            f"{asked}: its configuration cannot be understood: {error!r}.{advice}"
        ) from error


_OR_NOT_COMPILED = " Or pass compile=False, and compile the model yourself."

# What layers raise for arguments that make no sense: torch's for a size that no machine has.
_SIGNS_OF_NONSENSE = (
    *(TypeError, LookupError, AttributeError, ValueError, ArithmeticError),
    *(AssertionError, RuntimeError, MemoryError),
)


def _lacks_layers(asked: str, path: str) -> str:
    return (
        f"{asked}: the file holds weights, and not the layers they belong to: it comes from "
        "save_weights, or from a model that only its own code can make, such as Model(net) around "
        "a torch module. Build the model and load them: for a torch module "
        f"Model(net).load_weights({path!r})."
    )
