"""`load_weights` with `by_name` or `skip_mismatch`: a part of a file into a part of a model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from onfit.errors import ArgumentError, FileFormatError, warn
from onfit.saving.contents import Arrays, Contents
from onfit.saving.fitting import (
    Named,
    Pairs,
    Tensors,
    is_training,
    matched,
    names_of_model,
)
from onfit.saving.keras_order import weights_of
from onfit.saving.names import by_layer, numbered_names

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

Sides = tuple[dict[str, Tensors], dict[str, Arrays]]

# A message names at most so many weights.
_SHOWN = 20


def partly_fitting(
    model: "Model", contents: Contents, asked: str, by_name: bool, skip_mismatch: bool
) -> Pairs:
    """The model's tensors that a weight of the file goes into, each with that weight.

    As in Keras, `by_name` passes over layers that only one side has. `skip_mismatch` leaves out a
    weight of another shape, with a warning; of a file that numbers its weights (`.weights.h5`,
    `.keras`), the whole layer; and a layer with another number of weights.

    Raises:
        ArgumentError: for `by_name` with a file that numbers its weights.
        FileFormatError: without `skip_mismatch`, if a layer that both have does not fit.
    """
    if by_name and contents.numbered:
        raise ArgumentError(
            f"{asked}: by_name=True needs names of layers, and this file numbers them. Leave it "
            "out, or save the weights as .h5 or .safetensors."
        )
    mine, saved = _sides(model, contents, asked)
    if skip_mismatch and not by_name and contents.layers:
        saved = _by_order(mine, saved, asked)
    both = [layer for layer in mine if layer in saved]
    wrong = [] if by_name else [*(mine.keys() ^ saved.keys())]
    pairs: Pairs = []
    for layer in both:
        fit, left_out = _in_layer(mine[layer], saved[layer], bool(contents.named))
        if not (left_out and contents.numbered):
            pairs += fit
        wrong += [f"{layer} ({what})" for what in left_out]
    _tell(wrong, asked, skip_mismatch)
    if by_name and not both:
        _warn(f"{asked}: no layer in it has the name of one of {model.described}: none is read.")
    return pairs


def _sides(model: "Model", contents: Contents, asked: str) -> Sides:
    """The weights of the model and of the file, by layers, both by names of one kind."""
    named: Named = dict(model.named_weights())
    if not contents.numbered:
        mine = by_layer(model, weights_of(model, named))
        if not contents.named:
            return mine, contents.layers
        return mine, by_layer(model, names_of_model(model, named, contents, asked))
    paths = numbered_names(model, named)
    mine = {path: [(name, named[name]) for name in names] for path, names in paths.items()}
    saved = {
        path: [(str(index), value) for index, value in enumerate(values)]
        for path, values in contents.numbered.items()
        if path in mine or not is_training(path)
    }
    return mine, saved


def _by_order(
    mine: Mapping[str, Tensors], saved: Mapping[str, Arrays], asked: str
) -> dict[str, Arrays]:
    """The layers of the file by the model's names; by order, where those differ."""
    if len(mine) != len(saved):
        raise FileFormatError(
            f"{asked}: it has {len(saved)} layers with weights, and the model {len(mine)}. Add "
            "by_name=True, to match those of the same name."
        )
    found = matched([(name, name) for name in mine], list(saved.items()))
    return dict(found)


def _in_layer(tensors: Tensors, arrays: Arrays, by_names: bool) -> tuple[Pairs, list[str]]:
    """The pairs that fit in a layer, and what is left out of it."""
    if by_names:
        names = dict(tensors).keys() & dict(arrays).keys()
        others = sorted(dict(tensors).keys() ^ dict(arrays).keys())
        tensors, arrays = (
            [each for each in side if each[0] in names] for side in (tensors, arrays)
        )
    elif len(tensors) != len(arrays):
        return [], [f"{len(arrays)} weights in the file, {len(tensors)} in the model"]
    else:
        others = []
    pairs = matched(tensors, arrays)
    fit = [(tensor, value) for tensor, value in pairs if tensor.shape == tuple(value.shape)]
    wrong = [
        f"{tuple(value.shape)} in the file, {tuple(tensor.shape)} in the model"
        for tensor, value in pairs
        if tensor.shape != tuple(value.shape)
    ]
    return fit, [*(f"{name} on one side alone" for name in others), *wrong]


def _tell(wrong: list[Any], asked: str, skip_mismatch: bool) -> None:
    if not wrong:
        return
    more = len(wrong) - _SHOWN
    text = "; ".join([*wrong[:_SHOWN], *([f"and {more} more"] if more > 0 else [])])
    if not skip_mismatch:
        raise FileFormatError(
            f"{asked}: these do not fit: {text}; nothing is changed. Add skip_mismatch=True to "
            "leave them out."
        )
    _warn(f"{asked}: skip_mismatch=True leaves out what does not fit: {text}.")


def _warn(text: str) -> None:
    warn(text)
