"""`trainable` of models: what it freezes, and when."""

import copy
import pickle
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Input, Model, Sequential, load_model
from onfit.callbacks import LambdaCallback
from onfit.errors import OnfitWarning
from onfit.layers import BatchNormalization, Dense, Layer, TorchModule, concatenate
from onfit.optimizers import SGD, Adam

rng = np.random.default_rng(0)
X = rng.normal(size=(32, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def stack(first: int, *more: int) -> Sequential:
    return Sequential([Dense(first, input_shape=(4,)), *map(Dense, more)])


def functional(inner: Any = None) -> Model:
    begin = Input(shape=(4,))
    return Model(begin, Dense(3)(begin if inner is None else inner(begin)))


class Subclassed(Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = Dense(3, input_shape=(4,))
        self.dense.ensure_built((None, 4))

    def forward(self, x: Any) -> Any:
        return self.dense(x)


BASES = {
    "Sequential": lambda: stack(3),
    "functional": functional,
    "subclass": Subclassed,
    "torch net": lambda: Model(nn.Sequential(nn.Linear(4, 3), nn.Tanh())),
    "two deep": lambda: Sequential([Sequential([functional()]), Dense(3)]),
    "TorchModule": lambda: Sequential([Input((4,)), TorchModule(nn.Linear(4, 3)), nn.Linear(3, 3)]),
}


def moved(before: list[Any], model: Model) -> list[bool]:
    return [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)]


@pytest.fixture(params=BASES)
def base(request) -> Model:
    found = BASES[request.param]()
    found.ensure_built((None, 4))
    return found


def with_head(base: Model, optimizer: Any = "sgd") -> Sequential:
    model = Sequential([base, Dense(1)])
    model.compile(optimizer, "mse")
    model.build((None, 4))
    return model


@pytest.mark.parametrize("optimizer", ["sgd", "adam", lambda params: torch.optim.SGD(params, 0.1)])
def test_a_frozen_base_stays_and_its_new_head_trains(base, optimizer):
    base.trainable = False
    model = with_head(base, optimizer)
    before = model.get_weights()
    model.fit(X, Y, batch_size=8, verbose=0)
    assert moved(before, model) == [False] * len(base.get_weights()) + [True, True]
    base.trainable = True
    model.train_on_batch(X, Y)
    assert all(moved(before, model))


def test_a_model_trains_until_it_is_frozen_and_its_layers_follow(base):
    assert base.trainable is True
    assert len(base.trainable_weights) == len(list(base.parameters()))
    base.trainable = False
    assert base.trainable is False
    assert not base.trainable_weights
    assert not base.trainable_variables
    assert base.get_weights()
    assert not any(getattr(part, "trainable", False) for part in base.modules())
    base.trainable = True
    assert len(base.trainable_weights) == len(list(base.parameters()))


def test_any_truth_value_is_a_flag():
    model = stack(2)
    model.trainable = np.bool_(False)
    assert model.trainable is False
    model.layers[0].trainable = 1
    assert model.layers[0].trainable is True


def test_a_model_frozen_before_it_is_built_stays_frozen():
    base = Sequential([Dense(3), Dense(2)])
    base.trainable = False
    model = with_head(base)
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert moved(before, model) == [False] * 4 + [True] * 2


def test_a_layer_in_a_frozen_layer_is_frozen():
    class Two(Layer):
        def build(self, input_shape):
            self.inner = Dense(2)
            self.inner.ensure_built(input_shape)

        def forward(self, x):
            return self.inner(x)

    layer = Two(trainable=False)
    layer(torch.zeros(1, 4))
    assert not layer.inner.trainable
    assert not any(param.requires_grad for param in layer.parameters())
    layer.trainable = True
    assert layer.inner.trainable
    assert all(param.requires_grad for param in layer.parameters())


def test_batch_normalization_in_a_frozen_base_keeps_its_statistics():
    base = Sequential([Dense(3, input_shape=(4,)), BatchNormalization()])
    base.trainable = False
    model = with_head(base)
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert moved(before, model) == [False] * 6 + [True] * 2


# --- what compile notes -----------------------------------------------------------------------


def generator() -> Model:
    """That of Keras' mnist_acgan, small: a latent vector and a class make an image."""
    latent, label = Input(shape=(2,)), Input(shape=(2,))
    hidden = Dense(6, activation="relu")(concatenate([latent, label]))
    return Model([latent, label], Dense(4)(BatchNormalization()(hidden)))


def discriminator() -> Model:
    """That of mnist_acgan: whether an image is real, and its class."""
    image = Input(shape=(4,))
    features = BatchNormalization()(Dense(5, activation="relu")(image))
    fake = Dense(1, activation="sigmoid", name="generation")(features)
    aux = Dense(2, activation="softmax", name="auxiliary")(features)
    return Model(image, [fake, aux])


def acgan() -> tuple[Model, Model, Model]:
    losses = ["binary_crossentropy", "sparse_categorical_crossentropy"]
    d = discriminator()
    d.compile(Adam(0.01, beta_1=0.5), losses)
    g = generator()
    latent, label = Input(shape=(2,)), Input(shape=(2,))
    d.trainable = False
    combined = Model([latent, label], d(g([latent, label])))
    combined.compile(Adam(0.01, beta_1=0.5), losses)
    return d, g, combined


def test_the_gan_of_keras_2_trains_both_of_its_models_in_turn():
    d, g, combined = acgan()
    latent, label = X[:, :2], np.eye(2, dtype="float32")[rng.integers(0, 2, 32)]
    classes = label.argmax(1)
    trainable = {id(param) for param in d.parameters()}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(3):
            of_d, of_g = d.get_weights(), g.get_weights()
            d.train_on_batch(X, [np.ones((32, 1)), classes])
            assert all(moved(of_d, d)), "statistics, too: its own step is as it was compiled"
            assert not any(moved(of_g, g))
            of_d = d.get_weights()
            combined.train_on_batch([latent, label], [np.ones((32, 1)), classes])
            assert not any(moved(of_d, d))
            assert all(moved(of_g, g))
    assert ["frozen after compile" in str(one.message) for one in said] == [True]
    assert {id(param) for param in d.optimizer.params} == trainable
    assert not d.trainable
    assert not d.trainable_weights


def test_fit_and_a_step_of_ones_own_train_what_compile_noted():
    class Own(Subclassed):
        def train_step(self, data):
            return super().train_step(data) | {"seen": float(len(self.trainable_weights))}

    for model in (stack(1), Own()):
        model.compile("sgd", "mse")
        model.trainable = False
        before = model.get_weights()
        with pytest.warns(OnfitWarning, match="frozen after compile"):
            model.fit(X, model.predict(X) + 1, batch_size=8, epochs=2, verbose=0)
        assert all(moved(before, model))
        assert not model.trainable_weights


def test_it_is_said_once_for_each_compile_and_compile_again_freezes():
    model = stack(3, 1)
    model.compile("sgd", "mse")
    model.trainable = False
    with pytest.warns(OnfitWarning, match="frozen after compile.*compile again"):
        model.train_on_batch(X, Y)
    model.fit(X, Y, verbose=0)
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.warns(OnfitWarning, match="no trainable weights"):
        model.train_on_batch(X, Y)
    model.fit(X, Y, verbose=0)
    assert not any(moved(before, model))


def test_a_model_that_was_compiled_frozen_trains_nothing_until_it_is_compiled_again():
    model = stack(1)
    model.trainable = False
    model.compile("sgd", "mse")
    model.trainable = True
    before = model.get_weights()
    with pytest.warns(OnfitWarning) as said:
        model.train_on_batch(X, Y)
    assert ["set trainable after compile" in str(one.message) for one in said] == [True, False]
    assert not any(moved(before, model))
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    assert all(moved(before, model))


def test_a_model_frozen_and_freed_again_has_nothing_to_warn_of():
    model = stack(1)
    model.compile("sgd", "mse")
    model.trainable = False
    model.trainable = True
    before = model.get_weights()
    model.train_on_batch(X, Y)
    assert all(moved(before, model))


def test_a_part_frozen_later_counts_from_the_next_step_in_every_model_around_it():
    d = stack(3, 1)
    d.compile("sgd", "mse")
    outer = with_head(d)
    outer.train_on_batch(X, Y)
    d.layers[0].trainable = False
    for model in (d, outer):
        before = model.get_weights()
        model.train_on_batch(X, Y)
        assert moved(before, model) == [False] * 2 + [True] * (len(before) - 2)


@pytest.mark.parametrize("which_first", ["the model", "the part"])
def test_a_part_frozen_by_itself_counts_in_the_own_steps_of_a_frozen_model(which_first):
    d = stack(3, 1)
    d.layers[0].trainable = which_first == "the model"
    d.compile("sgd", "mse")
    d.trainable = False
    d.layers[0].trainable = False
    before = d.get_weights()
    with pytest.warns(OnfitWarning, match="frozen after compile"):
        d.train_on_batch(X, Y)
    assert moved(before, d) == [False, False, True, True]


def test_a_model_around_that_is_frozen_leaves_its_parts_own_steps_alone():
    d = stack(3, 1)
    d.compile("sgd", "mse")
    outer = with_head(d)
    outer.trainable = False
    for model in (d, outer):
        before = model.get_weights()
        with pytest.warns(OnfitWarning, match="frozen after compile"):
            model.train_on_batch(X, Y)
        assert all(moved(before, model))
    assert not d.trainable


def test_a_base_frozen_in_mid_training_stays_from_the_next_batch_on():
    base = stack(3)
    model = with_head(base, "adam")
    kept: list[Any] = []

    def look(batch: int, logs: Any) -> None:
        kept.append(base.get_weights()[0])
        base.trainable = batch not in (1, 2)

    model.fit(X, Y, batch_size=4, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=look)])
    same = [bool((a == b).all()) for a, b in pairwise(kept)]
    assert same == [False, True, True, False, False, False, False]


def test_what_trains_survives_copies():
    d, _, _ = acgan()
    for twin in (copy.deepcopy(d), pickle.loads(pickle.dumps(d))):
        before = twin.get_weights()
        with pytest.warns(OnfitWarning, match="frozen after compile"):
            twin.train_on_batch(X, [np.ones((32, 1)), np.zeros(32)])
        assert all(moved(before, twin))
        assert not twin.trainable


def test_nothing_left_to_train_is_said_once():
    model = stack(3, 1)
    model.compile("sgd", "mse")
    for layer in model.layers:
        layer.trainable = False
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        model.fit(X, Y, batch_size=4, verbose=0)
        model.train_on_batch(X, Y)
    assert [one.category for one in said] == [OnfitWarning]
    assert "Set trainable = True on the layers" in str(said[0].message)


# --- files and runs ---------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("kind", ["Sequential", "functional"])
def test_a_frozen_base_is_frozen_in_the_file(tmp_path, suffix, kind):
    base = BASES[kind]()
    base.trainable = False
    model = with_head(base, "adam")
    model.train_on_batch(X, Y)
    model.save(tmp_path / f"m.{suffix}")
    again = load_model(tmp_path / f"m.{suffix}")
    assert again.trainable
    assert not again.layers[0].trainable
    before = again.get_weights()
    again.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    assert moved(before, again) == [False, False, True, True]
    for mine, its in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_frozen_model_is_frozen_in_the_file(tmp_path, suffix):
    for model in (stack(2), functional(stack(2))):
        model.trainable = False
        model.save(tmp_path / f"m.{suffix}")
        assert not load_model(tmp_path / f"m.{suffix}").trainable


def test_a_run_that_goes_on_has_the_same_parts_frozen():
    model, again = (with_head(stack(3), "adam") for _ in range(2))
    for one in (model, again):
        one.train_on_batch(X, Y)
    model.layers[0].trainable = False
    again.load_state_for_resume(model.state_for_resume())
    assert again.trainable
    assert not again.layers[0].trainable
    before = again.get_weights()
    again.train_on_batch(X, Y)
    assert moved(before, again) == [False, False, True, True]


def test_an_average_of_no_weights_is_no_error():
    model = Sequential([Dense(1, input_dim=2, trainable=False)])
    model.compile(SGD(0.1, use_ema=True, ema_overwrite_frequency=1), "mse")
    with pytest.warns(OnfitWarning, match="no trainable weights"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
