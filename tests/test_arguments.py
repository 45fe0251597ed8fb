"""Constructors of onfit say what is wrong with their arguments, in one way."""

import inspect
from contextlib import suppress

import numpy as np
import pytest
import torch

from onfit import (
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from onfit._arguments import ChecksArguments
from onfit.errors import ArgumentTypeError, OnfitError

ROOMS = [
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    optimizers.schedules,
    regularizers,
]
BASES = {callbacks.Callback, callbacks.CallbackList, optimizers.schedules.LearningRateSchedule}
# What users do not make themselves.
INNER = {"Catalog", "Configured", "LearningRate", "MetricVariable", "SeveralOptimizers"}
FOUND = [getattr(room, name) for room in ROOMS for name in dir(room) if name[0].isupper()]
CLASSES = [
    kind
    for kind in dict.fromkeys(filter(inspect.isclass, FOUND))
    if kind.__module__.startswith("onfit.")
    and not issubclass(kind, Exception)
    and kind.__name__ not in INNER
    and kind not in BASES
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_constructor_ends_with_a_raw_error(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for given in [(), *[(each,) for each in ("zzz", None, -5, 1e300, float("nan"), object(), [])]]:
        with suppress(OnfitError):
            kind(*given)
    for call in (lambda: kind(*range(40)), lambda: kind(zzz=1)):
        with pytest.raises(OnfitError, match=kind.__name__):
            call()


@pytest.mark.parametrize(
    ("makes", "words"),
    [
        (lambda: layers.Dense(unit=3), "Did you mean 'units'"),
        (lambda: layers.Conv2D(3), "missing a required argument: 'kernel_size'"),
        (lambda: layers.Dropout("a"), r"Dropout\(rate='a'\): rate is a number"),
        (lambda: layers.LayerNormalization(axis=object()), "axis is a whole number or a tuple"),
        (lambda: layers.Dense(3, use_bias="no"), "use_bias is True or False"),
        (lambda: callbacks.EarlyStopping(verbose="loud"), "verbose is a whole number"),
        (lambda: initializers.RandomNormal(mean="a"), "mean is a number"),
        (lambda: optimizers.schedules.CosineDecay(0.1, decay_step=3), "'decay_steps'"),
        (lambda: metrics.AUC(num_threshold=3), "'num_thresholds'"),
        (lambda: constraints.MaxNorm("a"), "max_value is a number"),
    ],
)
def test_the_argument_is_named_and_what_it_is(makes, words):
    with pytest.raises(ArgumentTypeError, match=words):
        makes()


class Door(ChecksArguments):
    """Stands for a class of onfit."""

    __module__ = "onfit.tests"

    def __init__(self, width: float = 1.0, panes: int = 2, is_open: bool = False) -> None:
        self.width, self.panes, self.is_open = width, panes, is_open


@pytest.mark.parametrize(
    "given",
    [
        {"width": np.float32(2)},
        {"width": torch.tensor(2.0)},
        {"width": 2},
        {"panes": np.int64(3)},
        {"panes": 3.0},
        {"is_open": np.True_},
        {"is_open": 1},
    ],
)
def test_numbers_of_any_library_are_numbers(given):
    assert vars(Door(**given)) == {**vars(Door()), **given}


@pytest.mark.parametrize(
    "given", [{"width": True}, {"width": np.ones(2)}, {"panes": 2.5}, {"panes": "2"}]
)
def test_what_is_no_such_number_is_refused(given):
    with pytest.raises(ArgumentTypeError, match=next(iter(given))):
        Door(**given)


def test_a_users_subclass_has_what_arguments_it_likes():
    class Wide(Door):
        def __init__(self, width: int, note: str = "") -> None:
            super().__init__(float(len(str(width))))
            self.note = note

    assert Wide("four").width == 4.0
    with pytest.raises(TypeError) as caught:
        Wide(notes=1)
    assert not isinstance(caught.value, OnfitError)
