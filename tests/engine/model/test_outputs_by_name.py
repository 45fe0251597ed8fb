"""Models of calls whose outputs are a dict."""

import copy
import pickle

import numpy as np
import pytest

from onfit import Input, Model
from onfit.callbacks import TensorBoard
from onfit.layers import Add, Dense
from onfit.models import clone_model, load_model, model_from_json

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X[:, :2]
KINDS = (X.sum(1) > 0).astype(int)


def two():
    x = Input((3,))
    kinds = Dense(2, activation="softmax", name="last")(x)
    model = Model(x, {"place": Dense(2)(x), "kind": kinds})
    model.compile("sgd", {"kind": "sparse_categorical_crossentropy", "place": "mse"})
    return model


def assert_alike(found, model):
    outputs, expected = found.predict(X, verbose=0), model.predict(X, verbose=0)
    assert list(outputs) == list(expected) == ["place", "kind"]
    for name, values in expected.items():
        assert np.allclose(outputs[name], values)


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_files_keep_the_names(tmp_path, name):
    model = two()
    model.fit(X, {"kind": KINDS, "place": Y}, verbose=0)
    model.save(tmp_path / name)
    assert_alike(load_model(tmp_path / name), model)


def test_copies_keep_the_names():
    model = two()
    assert_alike(copy.deepcopy(model), model)
    assert_alike(pickle.loads(pickle.dumps(model)), model)
    assert list(clone_model(model).output) == ["place", "kind"]
    assert list(model_from_json(model.to_json()).output) == ["place", "kind"]


def test_a_model_in_another_gives_its_dict():
    x = Input((3,))
    parts = two()(x)
    assert Model(x, Add()([parts["place"], parts["kind"]])).predict(X, verbose=0).shape == (24, 2)


@pytest.mark.parametrize("y", [Y, {"only": Y}, [Y]], ids=["array", "dict", "list"])
def test_a_dict_of_one(y):
    x = Input((3,))
    model = Model(x, {"only": Dense(2)(x)})
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, y, epochs=2, verbose=0, validation_data=(X, y)).history
    assert set(history) == {"loss", "mae", "val_loss", "val_mae"}
    assert list(model.predict(X, verbose=0)) == ["only"]


def test_a_dict_of_one_class_is_judged_by_its_logits():
    x = Input((3,))
    model = Model(x, {"kind": Dense(2, activation="softmax")(x)})
    model.compile("sgd", {"kind": "sparse_categorical_crossentropy"}, metrics=["acc"])
    history = model.fit(X, {"kind": KINDS}, epochs=20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_tensorboard_draws_it(tmp_path, capsys):
    model = two()
    board = TensorBoard(tmp_path, write_graph=True)
    model.fit(X, {"kind": KINDS, "place": Y}, verbose=0, callbacks=[board])
    assert "cannot be drawn" not in capsys.readouterr().out
    ends = model.graph_config()["config"]["output_layers"]
    assert [name for name, *_ in ends] == ["dense", "last"]
