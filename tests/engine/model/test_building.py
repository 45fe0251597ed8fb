"""A model that was called with data is built, however deeply it is nested."""

from typing import Any

import numpy as np
import pytest
import torch

from onfit import Input, Model, Sequential
from onfit.callbacks import BackupAndRestore, EarlyStopping, ModelCheckpoint, TensorBoard
from onfit.errors import NotReadyError, ShapeError
from onfit.layers import Dense, Dropout, Embedding, Flatten
from onfit.models import load_model

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


class Autoencoder(Model):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = Sequential([Dense(2)]), Sequential([Dense(3), Dense(4)])

    def call(self, x: Any) -> Any:
        return self.up(self.down(x))


def nested() -> Model:
    return Sequential([Sequential([Dense(3)]), Sequential([Sequential([Dropout(0.1)]), Dense(4)])])


def in_a_graph() -> Model:
    x = Input((4,))
    return Model(x, Autoencoder()(Sequential([Dense(4)])(x)))


FORMS = pytest.mark.parametrize("make", [Autoencoder, nested, in_a_graph])


@FORMS
def test_a_trained_model_can_do_all_that_needs_weights(make: Any, tmp_path: Any) -> None:
    model = make()
    model.compile("sgd", "mse")
    callbacks = [
        EarlyStopping("loss", restore_best_weights=True),
        ModelCheckpoint(tmp_path / "a.weights.h5", save_weights_only=True),
        BackupAndRestore(tmp_path / "backup"),
        TensorBoard(tmp_path / "logs", histogram_freq=1),
    ]
    model.fit(X, X, epochs=2, validation_data=(X, X), verbose=0, callbacks=callbacks)
    assert model.built
    assert model.count_params() == sum(weight.size for weight in model.get_weights()) > 0
    model.save_weights(tmp_path / "b.weights.h5")
    twin = make()
    twin.build((None, 4))
    twin.load_weights(tmp_path / "b.weights.h5")
    assert np.array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


@FORMS
def test_one_call_builds_a_model_and_the_models_in_it(make: Any) -> None:
    model = make()
    model(X)
    parts = [part for part in model.modules() if isinstance(part, Sequential)]
    assert model.built
    assert all(part.output_shape for part in parts)


def test_a_stack_of_stacks_is_saved_whole(tmp_path: Any) -> None:
    model = nested()
    model(X)
    for name in ("a.keras", "a.h5"):
        model.save(tmp_path / name)
        read = load_model(tmp_path / name)
        assert np.array_equal(read.predict(X, verbose=0), model.predict(X, verbose=0))


def test_an_inner_stack_of_whole_numbers_is_built_for_whole_numbers() -> None:
    inner = Sequential([Embedding(10, 3), Flatten()])
    model = Sequential([Input((2,), dtype="int64"), inner, Dense(1)])
    assert inner.input.dtype is torch.int64
    assert model.predict(np.array([[1, 2]]), verbose=0).shape == (1, 1)


def test_layers_that_a_model_does_not_use_leave_it_built() -> None:
    class Spare(Autoencoder):
        def __init__(self) -> None:
            super().__init__()
            self.spare = Dense(7)

    model = Spare()
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0, callbacks=[EarlyStopping("loss", restore_best_weights=True)])
    assert model.built
    model.head = Dense(4)
    assert not model.built


def test_a_layer_that_came_later_trains_too() -> None:
    class Headed(Autoencoder):
        def __init__(self) -> None:
            super().__init__()
            self.head: Any = None

        def call(self, x: Any) -> Any:
            x = super().call(x)
            return x if self.head is None else self.head(x)

    model = Headed()
    model.compile("sgd", "mse")
    model.fit(X, X, verbose=0)
    model.head = Dense(1)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert model.compiled.optimizer.params[-1] is model.head.bias


def test_build_takes_a_shape_for_each_input() -> None:
    class Sum(Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.dense(sum(inputs.values() if isinstance(inputs, dict) else inputs))

    for shapes in ([(None, 4), (None, 4)], {"a": (None, 4), "b": (None, 4)}):
        model = Sum()
        model.build(shapes)
        assert model.count_params() == 10


def test_a_shape_that_a_model_cannot_take_is_an_error_that_names_both() -> None:
    class Wide(Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(2)

        def call(self, x: Any) -> Any:
            return self.dense(x) @ torch.ones(5, 2)

    with pytest.raises(ShapeError, match=r"'wide' cannot be built for .* \(None, 4\)"):
        Wide().build((None, 4))


def test_a_stack_that_met_a_wrong_shape_can_still_be_built() -> None:
    model = Sequential([Dense(2), Flatten()])
    with pytest.raises(ShapeError):
        model(torch.zeros(()))
    assert not model.built
    assert model(X).shape == (24, 2)


def test_a_build_of_ones_own_is_called_once() -> None:
    shapes = []

    class Own(Autoencoder):
        def build(self, input_shape: Any) -> None:
            shapes.append(input_shape)
            self.scale = torch.nn.Parameter(torch.ones(input_shape[-1]))
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return super().call(x * self.scale)

    by_call, by_hand = Own(), Own()
    assert not by_call.built
    by_call(X)
    by_hand.build((None, 4))
    by_hand(X)
    assert shapes == [(None, 4)] * 2
    assert by_call.built
    assert by_hand.built


def test_a_model_may_say_itself_that_it_is_built() -> None:
    model = Autoencoder()
    model.built = True
    assert model.built
    assert model.get_weights() == []


def test_a_model_with_only_a_train_step_needs_no_call() -> None:
    class Stepping(Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(1)

        def train_step(self, data: Any) -> Any:
            loss = self.dense(data[0]).square().mean()
            weights = self.trainable_weights
            self.optimizer.apply(torch.autograd.grad(loss, weights), weights)
            return {"loss": loss}

    model = Stepping()
    model.compile("sgd")
    losses = model.fit(X, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]


def test_weights_that_are_not_there_yet_are_not_given() -> None:
    with pytest.raises(NotReadyError, match=r"model\.build\("):
        Autoencoder().get_weights()


# --- arrays ----------------------------------------------------------------------------------


def test_a_model_takes_arrays_as_it_takes_tensors() -> None:
    model = Autoencoder()
    assert torch.equal(model(X), model(torch.from_numpy(X)))
    assert torch.equal(model(X.astype("float64")), model(X))


def test_a_model_takes_a_list_or_dict_of_arrays() -> None:
    a, b = Input((4,), name="a"), Input((4,), name="b")
    model = Model([a, b], Dense(1)(a))
    expected = model.predict([X, X], verbose=0)
    for given in ([X, X], {"a": X, "b": X}):
        assert np.allclose(model(given).detach(), expected)


def test_a_torch_net_takes_arrays_too() -> None:
    model = Model(torch.nn.Linear(4, 1))
    assert np.allclose(model(X).detach(), model.predict_on_batch(X))
