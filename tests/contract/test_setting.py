"""What is set on an object after it was made acts, or is an OnfitError: every argument, every
property that is only read, every method.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.contract.test_layers import REQUIRED, value_of
from tests.contract.walker import Argument, plain
from torch import Tensor, nn

from onfit import Model, Run, Sequential, callbacks, layers, losses, metrics, optimizers
from onfit.errors import OnfitError
from onfit.layers.arguments import parameters_of
from onfit.layers.layer import Layer

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")

# Inputs of which each layer takes one.
INPUTS: list[Any] = [
    torch.rand(2, 4, 4, 4),
    torch.rand(2, 4, 4),
    torch.rand(2, 4),
    torch.rand(2, 6),
    torch.rand(2, 2),
    [torch.rand(2, 4, 4), torch.rand(2, 4, 4)],
    torch.ones(2, 3, dtype=torch.int64),
    torch.rand(2, 64),
    torch.rand(2, 4, 4, 4, 4),
]
# Where weights are drawn anew, or a function is asked for its own class, outputs do not compare.
NOT_COMPARED = {"seed", "weights", "function", "arguments", "backward_layer"}


def kinds_of(room: Any, base: type) -> list[type]:
    """The public classes of a room that can be made by arguments of REQUIRED."""
    found = [each for name, each in vars(room).items() if name[0].isupper()]
    return [
        kind
        for kind in dict.fromkeys(filter(inspect.isclass, found))
        if issubclass(kind, base) and kind is not base
    ]


# Made of a shape, of a user's module, for classes of users alone; and those called on two.
NOT_WALKED = (
    *(layers.InputLayer, layers.TorchModule, layers.Wrapper, layers.MultiHeadAttention),
    *(layers.SimpleRNNCell, layers.LSTMCell, layers.GRUCell, layers.StackedRNNCells),
)
LAYERS = [each for each in kinds_of(layers, Layer) if each not in NOT_WALKED]


def made(kind: type, **options: Any) -> Any:
    """An object of a class, with what it must be given."""
    must = [n for n, default in parameters_of(kind).items() if default is inspect.Parameter.empty]
    return kind(**{**{name: REQUIRED[name] for name in must}, **options})


def input_for(kind: type) -> Any:
    """What a layer of this class can be called on."""
    for x in INPUTS:
        try:
            made(kind)(x)
        except (OnfitError, RuntimeError, TypeError):
            continue
        return x
    raise AssertionError(f"write an input for {kind.__name__}")


def arguments(kind: type) -> list[str]:
    own = {name for base in kind.__mro__[:-1] for name in parameters_of(base)}
    return sorted(own - {"argument", "widths"})


def output(layer: Any, x: Any) -> list[Any]:
    """What a layer puts out for `x` in training, as numbers; an error counts as its text."""
    torch.manual_seed(0)
    layer.train()
    try:
        found = layer(x)
    except OnfitError as error:
        return [str(error)]
    parts = found if isinstance(found, (list, tuple)) else [found]
    return [part.tolist() if isinstance(part, Tensor) else part for part in parts]


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("built", [False, True], ids=["before it is built", "built"])
def test_an_argument_of_a_layer_that_is_set_later_acts_or_is_refused(
    kind: type, built: bool
) -> None:
    x = input_for(kind)
    for name in arguments(kind):
        value = value_of(Argument(kind.__name__, name, kind, kind, False))
        layer = made(kind)
        if built:
            layer(x)
        if value is None or name in NOT_COMPARED:
            continue
        try:
            setattr(layer, name, value)
        except OnfitError:
            continue
        twin = kind.from_config({**layer.get_config(), name: value})  # type: ignore[attr-defined]
        assert plain(twin.get_config()) == plain(layer.get_config()), name
        if output(layer, x) and output(twin, x) and layer.built and twin.built:
            twin.set_weights(layer.get_weights())
        assert output(layer, x) == output(twin, x), name


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_an_argument_of_a_layer_takes_no_nonsense_later(kind: type) -> None:
    for name in arguments(kind):
        layer = made(kind)
        if name in ("function", "net", "arguments", "mask"):
            continue  # a user's own
        for nonsense in (object(), "nonsense", float("nan")):
            if isinstance(nonsense, str) and name in ("name", "noise_shape"):
                continue
            with pytest.raises(OnfitError):
                setattr(layer, name, nonsense)


def models() -> dict[str, Callable[[], Any]]:
    def compiled(model: Any) -> Any:
        model.compile("sgd", "mse", metrics=["mae"])
        model.fit(X, Y, verbose=0)
        return model

    symbol = layers.Input((3,))
    return {
        "Sequential": lambda: compiled(Sequential([layers.Dense(1, input_dim=3)])),
        "functional": lambda: compiled(Model(symbol, layers.Dense(1)(symbol))),
        "a net of torch": lambda: compiled(Model(nn.Linear(3, 1))),
    }


# What people may put anything into, or what torch keeps.
FREE = {"history", "judge", "run_eagerly", "jit_compile", "steps_per_execution", *dir(nn.Module())}


@pytest.mark.parametrize("makes", models().values(), ids=models())
@pytest.mark.parametrize("value", [object(), "nonsense"], ids=["object", "text"])
def test_no_name_of_a_model_takes_nonsense(makes: Callable[[], Any], value: Any) -> None:
    model = makes()
    names = {name for name in [*dir(type(model)), *vars(model)] if name[0] != "_"} - FREE
    for name in sorted(names - ({"name"} if isinstance(value, str) else set())):
        with pytest.raises(OnfitError):
            setattr(model, name, value)


OTHERS = [
    *kinds_of(losses, losses.Loss),
    *kinds_of(optimizers, optimizers.Optimizer),
    *kinds_of(metrics, metrics.Metric),
    *kinds_of(callbacks, callbacks.Callback),
]


@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_property_that_is_only_read_says_so(kind: type) -> None:
    only_read = [
        name
        for name, found in inspect.getmembers(kind)
        if isinstance(found, property) and name[0] != "_" and name != "learning_rate"
    ]
    blank = kind.__new__(kind)
    for name in only_read:
        setter = getattr(kind, name).fset
        if setter.__name__ == "refuse":
            with pytest.raises(OnfitError, match="only read"):
                setattr(blank, name, 1)
        else:
            assert callable(setter)


CALLBACKS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "EarlyStopping": (
        lambda: callbacks.EarlyStopping(monitor="loss"),
        {"verbose": "loud", "restore_best_weights": "no", "start_from_epoch": "late"},
    ),
    "ReduceLROnPlateau": (
        lambda: callbacks.ReduceLROnPlateau(monitor="loss"),
        {"factor": "half", "cooldown": None, "min_delta": "small", "min_lr": float("nan")},
    ),
    "ModelCheckpoint": (
        lambda: callbacks.ModelCheckpoint("a.h5", monitor="loss"),
        {"save_best_only": "yes", "save_weights_only": 2.5},
    ),
    "TerminateOnNaN": (callbacks.TerminateOnNaN, {"raise_error": "yes"}),
}
OPTIONS = [(name, option) for name, (_, wrong) in CALLBACKS.items() for option in wrong]


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_an_option_of_a_callback_that_is_set_to_nonsense_ends_no_epoch(
    name: str, option: str
) -> None:
    makes, wrong = CALLBACKS[name]
    callback = makes()
    model = Sequential([layers.Dense(1, input_dim=3)])
    model.compile("sgd", "mse")

    def begin() -> None:
        setattr(callback, option, wrong[option])
        with Run(model, [callback], epochs=1):
            pass

    with pytest.raises(OnfitError, match=option):
        begin()


def test_a_misspelt_option_of_a_callback_is_an_error_before_training() -> None:
    callback = callbacks.EarlyStopping(monitor="loss")
    callback.patiences = 3  # type: ignore[attr-defined]
    model = Sequential([layers.Dense(1, input_dim=3)])
    model.compile("sgd", "mse")
    with pytest.raises(OnfitError, match="Did you mean 'patience'"):
        model.fit(X, Y, callbacks=[callback], verbose=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("iterations", "many"), ("iterations", -1), ("apply", 3), ("name", 3), ("built", True)],
)
def test_no_name_of_an_optimizer_takes_nonsense(name: str, value: Any) -> None:
    with pytest.raises(OnfitError, match=name):
        setattr(optimizers.Adam(), name, value)


def test_a_loss_takes_options_later_as_its_constructor_does() -> None:
    loss = losses.Huber()
    loss.delta = 2.0
    loss.reduction = None  # type: ignore[assignment]
    assert loss.get_config() == losses.Huber(delta=2.0, reduction=None).get_config()
    for name, value in {"reduction": "summ", "delta": "much", "call": 3, "name": 3}.items():
        with pytest.raises(OnfitError, match=name):
            setattr(loss, name, value)
