"""Arguments that the methods of a model do not have: misspelt ones, and those of older Keras."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, get_args

from onfit._types import Distribution
from onfit.errors import ArgumentError, did_you_mean, warn

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

# Arguments of Keras 1, and their names since.
_SUCCESSORS = {
    "samples_per_epoch": "steps_per_epoch",
    "nb_epoch": "epochs",
    "nb_val_samples": "validation_steps",
    "val_samples": "steps",
    "max_q_size": "max_queue_size",
    "nb_worker": "workers",
    "nb_workers": "workers",
    "pickle_safe": "use_multiprocessing",
}
# Those of them that count samples, of which data: their successors count batches.
_OF_SAMPLES = {
    "samples_per_epoch": "generator",
    "nb_val_samples": "validation_data",
    "val_samples": "generator",
}

# Arguments of some version of Keras that onfit has not: what to do instead, and the values beside
# None that ask for nothing.
_ELSEWHERE: dict[str, tuple[str, tuple[Any, ...]]] = {
    "sample_weight_mode": ("pass fit a weight for each sample", ()),
    "target_tensors": ("pass the targets to fit as y", ()),
    "distribute": ("wrap the net in torch's DistributedDataParallel, and pass Model(net) that", ()),
    "zipped": ("name a file: a .keras file is one file", (True,)),
    "max_shard_size": ("weights are one file: split it with a tool for files", ()),
    "reshape": ("reshape the arrays: set_weights([array.reshape(...), ...])", (False,)),
    "options": ("choose the format by the suffix: .keras, .h5, .safetensors or .pt", ()),
    "signatures": ("export the net with torch.export or torch.onnx", ()),
}
_SUFFIXES = {"keras": (".keras",), "h5": (".h5", ".hdf5"), "hdf5": (".h5", ".hdf5")}


def taking_names_of_keras_1(method: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """A method that also takes its arguments under their names of Keras 1, with one warning.

    Raises:
        ArgumentError: when it is called, for an argument under both its names, or a number of
            samples of data whose batch size is not known.
    """

    @wraps(method)
    def called(*args: _Given.args, **named: _Given.kwargs) -> _Result:
        if named.keys() & _SUCCESSORS:
            given = _renamed(method, args, dict(named))
            return method(*args, **given)
        return method(*args, **named)

    return called


def _renamed(method: Callable[..., Any], args: Any, named: dict[str, Any]) -> dict[str, Any]:
    signature = inspect.signature(method)
    known = signature.parameters
    old = [
        name
        for name in named
        if _SUCCESSORS.get(name) in known and _OF_SAMPLES.get(name, "self") in {*known, "self"}
    ]
    values = {name: named.pop(name) for name in old}
    bound = signature.bind_partial(*args, **named).arguments
    for name, value in values.items():
        successor = _SUCCESSORS[name]
        if successor in bound:
            raise ArgumentError(
                f"{method.__name__}({successor}=..., {name}=...): {name} is the name that "
                f"{successor} had in Keras 1. Give one of them."
            )
        if name in _OF_SAMPLES:
            value = _batches(f"{method.__name__}({name}={value!r})", successor, value, bound, name)
        named[successor] = value
    if old:
        warn(
            f"{method.__name__}({', '.join(f'{name}=...' for name in old)}): of Keras 1. Write "
            f"{', '.join(f'{_SUCCESSORS[name]}=...' for name in old)}, which was taken."
        )
    return named


def _batches(asked: str, successor: str, samples: Any, bound: dict[str, Any], name: str) -> Any:
    """A number of samples as a number of batches."""
    data = bound.get(_OF_SAMPLES[name])
    batch_size = getattr(data, "batch_size", None)
    if batch_size:
        return samples / batch_size
    raise ArgumentError(
        f"{asked} is an argument of Keras 1 and counts samples, and a {type(data).__name__} does "
        f"not say how many are in a batch. Use {successor}, which counts batches: samples / batch "
        "size."
    )


def refuse_unsupported(method: Callable[..., Any], old: dict[str, Any]) -> None:
    """Refuse arguments that `method` does not have, except those of Keras that ask for nothing.

    Raises:
        ArgumentError: if there is one.
    """
    for name in old.keys() & _ELSEWHERE.keys():
        instead, idle = _ELSEWHERE[name]
        if old[name] is not None and not any(old[name] is value for value in idle):
            raise ArgumentError(
                f"{method.__name__}({name}={old[name]!r}) is an argument of Keras, and onfit has "
                f"none like it. Leave it out, and {instead}."
            )
    refuse_unknown(method, old.keys() - _ELSEWHERE.keys())


def require_suffix(asked: str, filepath: Any, save_format: str | None) -> None:
    """Check that a name has the suffix of the format that a caller asks for.

    Raises:
        ArgumentError: if it has another one, or there is no such format.
    """
    if save_format is None:
        return
    suffixes = _SUFFIXES.get(save_format) if isinstance(save_format, str) else None
    if suffixes is None or not str(filepath).endswith(suffixes):
        wanted = " or ".join(suffixes or (".h5",))
        raise ArgumentError(
            f"{asked}({str(filepath)!r}, save_format={save_format!r}): the format is what the "
            f"suffix of the name says. Leave save_format out, and give the name {wanted}."
        )


def refuse_unknown(method: Callable[..., Any], unknown: Iterable[str]) -> None:
    """Refuse arguments that `method` does not have.

    Raises:
        ArgumentError: if there is one; it names the nearest argument of `method`.
    """
    for name in unknown:
        known = list(inspect.signature(method).parameters)[1:-1]  # not `self`, not `**old`
        raise ArgumentError(
            f"{method.__name__}({name}=...) is not an argument of {method.__name__}."
            f"{did_you_mean(name, known)}"
        )


def check_flag(name: str, asked: Any) -> None:
    """Refuse an argument of `compile` that is neither True nor False.

    Raises:
        ArgumentError: naming it.
    """
    if not isinstance(asked, bool):
        raise ArgumentError(f"compile({name}={asked!r}): it is True or False.")


def check_distribution(asked: Any) -> None:
    """Refuse what is no way to train on several processes.

    Raises:
        ArgumentError: if it is none of `Distribution`.
    """
    if asked is not None and (not isinstance(asked, str) or asked not in get_args(Distribution)):
        raise ArgumentError(
            f"compile(distribution={asked!r}): 'auto' and 'ddp' train with all processes of a "
            "launcher, 'fsdp' divides the weights among them, too, None trains with this one. For "
            "a wrapper of your own pass the wrapped net: Model(DistributedDataParallel(net))."
        )
