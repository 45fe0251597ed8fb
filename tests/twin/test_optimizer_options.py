"""The arguments that all optimizers share against Keras' own."""

from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.keras_twin import (
    KERAS,
    ONFIT,
    assert_twins,
    hidden,
    make_data,
    same_start,
    tolerant_of_keras,
)

import onfit
from onfit import callbacks
from onfit.optimizers import SGD

pytestmark = tolerant_of_keras

DATA = make_data()
OPTIONS: dict[str, dict[str, Any]] = {
    "an average": {"use_ema": True},
    "a quick average": {"use_ema": True, "ema_momentum": 0.5},
    "an average that overwrites": {
        "use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3,
    },
    "accumulation": {"gradient_accumulation_steps": 3},
    "accumulation, clipped": {"gradient_accumulation_steps": 2, "clipnorm": 0.1},
    "accumulation and decay": {"gradient_accumulation_steps": 2, "weight_decay": 0.3},
    "accumulation and an average": {
        "gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.6,
        "ema_overwrite_frequency": 2,
    },
    "a scaled loss": {"loss_scale_factor": 3.0},
    "all of them": {
        "loss_scale_factor": 128.0, "gradient_accumulation_steps": 3, "use_ema": True,
        "global_clipnorm": 0.5, "weight_decay": 0.1,
    },
}  # fmt: skip
KINDS = [
    "SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam", "Adafactor",
    "Ftrl", "Lamb", "Lion",
]  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_options_change_training_as_in_keras(kind: str, name: str) -> None:
    assert_twins(
        lambda lib: hidden(lib, 1),
        lambda lib: {
            "optimizer": getattr(lib.optimizers, kind)(0.02, **OPTIONS[name]), "loss": "mse",
        },
        DATA.x,
        DATA.real,
        epochs=4,
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_optimizer_has_all_options(kind: str) -> None:
    assert_twins(
        lambda lib: hidden(lib, 1),
        lambda lib: {
            "optimizer": getattr(lib.optimizers, kind)(0.02, **OPTIONS["all of them"]),
            "loss": "mse",
        },
        DATA.x,
        DATA.real,
        epochs=3,
    )


def test_a_schedule_counts_batches_and_not_steps_as_in_keras() -> None:
    def optimizer(lib: Any) -> Any:
        rate = lib.optimizers.schedules.ExponentialDecay(0.1, 4, 0.5)
        return lib.optimizers.Adam(rate, gradient_accumulation_steps=3)

    assert_twins(
        lambda lib: hidden(lib, 1),
        lambda lib: {"optimizer": optimizer(lib), "loss": "mse"},
        DATA.x,
        DATA.real,
    )


def both(options: dict[str, Any]) -> list[Any]:
    models = same_start(lambda lib: hidden(lib, 1))
    for lib, model in zip((KERAS, ONFIT), models, strict=True):
        model.compile(lib.optimizers.SGD(0.1, **options), "mse")
    return list(models)


FIT: dict[str, Any] = {"batch_size": 16, "shuffle": False, "verbose": 0}
SWAPS = {
    "in validation": lambda lib: lib.SwapEMAWeights(),
    "in epochs' ends": lambda lib: lib.SwapEMAWeights(swap_on_epoch=True),
}


@pytest.mark.parametrize("name", SWAPS)
def test_validation_sees_the_average_as_in_keras(name: str) -> None:
    found = []
    for lib, model in zip(
        (keras.callbacks, callbacks), both({"use_ema": True, "ema_momentum": 0.7}), strict=True
    ):
        seen: list[Any] = []
        look = lib.LambdaCallback(
            on_epoch_end=lambda epoch, logs, seen=seen, m=model: seen.append(m.get_weights())
        )
        history = model.fit(
            DATA.x, DATA.real, validation_data=(DATA.x, DATA.real), epochs=3,
            callbacks=[SWAPS[name](lib), look], **FIT,
        )  # fmt: skip
        found.append((history.history, [*seen, model.get_weights()]))
    (theirs, their_weights), (mine, my_weights) = found
    for key in ("loss", "val_loss"):
        np.testing.assert_allclose(mine[key], theirs[key], rtol=1e-5)
    for ours, kerass in zip(my_weights, their_weights, strict=True):
        for one, other in zip(ours, kerass, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_keras_2s_decay_divides_the_rate_by_the_steps() -> None:
    weight = torch.zeros(1)
    optimizer = SGD(lr=0.5, decay=0.25)
    moved = []
    for _ in range(3):
        before = weight.clone()
        optimizer.apply_gradients([(torch.ones(1), weight)])
        moved.append(float(before - weight))
    assert moved == pytest.approx([0.5, 0.5 / 1.25, 0.5 / 1.5])
    assert optimizer.learning_rate == 0.5


def test_variables_come_in_keras_order() -> None:
    shapes = []
    options = {"use_ema": True, "gradient_accumulation_steps": 2, "momentum": 0.9}
    for model in both(options):
        model.train_on_batch(DATA.x, DATA.real)
        shapes.append([(v.name.split("_")[-1], tuple(v.shape)) for v in model.optimizer.variables])
    assert shapes[0] == shapes[1]


def test_the_configuration_has_keras_keys() -> None:
    for kind in KINDS:
        mine = getattr(ONFIT.optimizers, kind)(0.5, name="it").get_config()
        theirs = getattr(keras.optimizers, kind)(0.5, name="it").get_config()
        assert mine == pytest.approx(theirs)


@pytest.mark.parametrize("kind", ["SGD", "Adam", "Ftrl", "Lamb", "Lion"])
@pytest.mark.parametrize("name", ["an average", "accumulation and an average", "a scaled loss"])
def test_keras_goes_on_with_our_file(kind: str, name: str, tmp_path: Any) -> None:
    _, model = both({})
    model.compile(getattr(ONFIT.optimizers, kind)(0.01, **OPTIONS[name]), "mse")
    model.fit(DATA.x, DATA.real, epochs=2, **FIT)
    model.save(tmp_path / "x.keras")
    theirs, mine = (
        keras.models.load_model(tmp_path / "x.keras"),
        onfit.load_model(tmp_path / "x.keras"),
    )
    for one in (theirs, mine):
        one.fit(DATA.x, DATA.real, epochs=2, **FIT)
    for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
