"""What cannot be saved or loaded is refused, with a reason, before any harm is done."""

import functools
import os

import h5py
import pytest
import torch
from torch import nn

from onfit import layers, losses, metrics
from onfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    FileFormatError,
    NotReadyError,
    StorageError,
)
from onfit.models import Model, Sequential, load_model


def small():
    return Sequential([layers.Dense(3, input_dim=4)])


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# --- names of files --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.bin", "model", "model.h5.tmp", "model.keras.zip"])
def test_a_name_with_another_suffix_is_refused_everywhere(name):
    model = small()
    for ask in (model.save, model.save_weights, model.load_weights, load_model):
        with pytest.raises(ArgumentError, match=r"suffix.*\.h5, \.hdf5"):
            ask(name)
    assert os.listdir() == []


@pytest.mark.parametrize("path", [None, 3, b"model.h5"])
def test_a_path_is_a_path(path):
    with pytest.raises(ArgumentTypeError, match="filepath is a path"):
        small().save(path)


def test_a_missing_file_is_told_with_the_nearest_name():
    small().save("model.h5")
    for ask in (small().load_weights, load_model):
        with pytest.raises(StorageError, match=r"'modle\.h5'.*no such file.*'model\.h5'"):
            ask("modle.h5")
    with pytest.raises(OSError, match="Nor is there a folder 'runs'"):
        load_model("runs/model.h5")


def test_a_folder_is_no_file():
    os.mkdir("model.h5")
    for ask in (small().save, small().load_weights, load_model):
        with pytest.raises(StorageError, match="folder"):
            ask("model.h5")


@pytest.mark.parametrize("method", ["save", "save_weights"])
def test_overwrite_false_leaves_a_file_alone(method):
    model = small()
    save = getattr(model, method)
    save("model.h5", overwrite=False)
    with open("model.h5", "rb") as file:
        before = file.read()
    with pytest.raises(StorageError, match="overwrite=False"):
        save("model.h5", overwrite=False)
    with open("model.h5", "rb") as file:
        assert file.read() == before
    assert os.listdir() == ["model.h5"]


# --- what is in them -------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all"])
def test_a_file_that_is_not_hdf5_is_told(content):
    with open("model.h5", "wb") as file:
        file.write(content)
    for ask in (small().load_weights, load_model):
        with pytest.raises(FileFormatError, match=r"'model\.h5'.*no HDF5 file"):
            ask("model.h5")


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_file_that_breaks_off_is_told_and_changes_nothing(share):
    model = small()
    model.save("model.h5")
    before = model.get_weights()
    os.truncate("model.h5", int(share * os.path.getsize("model.h5")))
    for ask in (model.load_weights, load_model):
        with pytest.raises(FileFormatError, match="damaged"):
            ask("model.h5")
    assert (model.get_weights()[0] == before[0]).all()


def test_an_hdf5_file_of_something_else_is_told():
    with h5py.File("data.h5", "w") as file:
        file["x"] = [1, 2, 3]
    for ask in (small().load_weights, load_model):
        with pytest.raises(FileFormatError, match=r"data\.h5.*holds no model"):
            ask("data.h5")


@pytest.mark.parametrize("damage", ["{", "[]", '{"class_name": "Sequential"}'])
def test_a_damaged_configuration_is_told(damage):
    small().save("model.h5")
    with h5py.File("model.h5", "a") as file:
        file.attrs["model_config"] = damage
    with pytest.raises(FileFormatError, match=r"model\.h5"):
        load_model("model.h5")


def test_a_file_without_layers_says_how_to_use_it():
    Model(nn.Linear(4, 3)).save("best.h5")
    small().save_weights("weights.h5")
    for name in ("best.h5", "weights.h5"):
        with pytest.raises(FileFormatError, match=rf"Model\(net\)\.load_weights\('{name}'\)"):
            load_model(name)


def test_an_unbuilt_model_says_how_to_build_it():
    model = Sequential([layers.Dense(3)])
    small().save("model.h5")
    with pytest.raises(NotReadyError, match=r"build|input_shape"):
        model.save("other.h5")
    with pytest.raises(NotReadyError, match=r"build|input_shape"):
        model.save_weights("other.h5")
    with pytest.raises(NotReadyError, match=r"build|input_shape"):
        model.load_weights("model.h5")
    assert os.listdir() == ["model.h5"]


# --- what no file can hold -------------------------------------------------------------------


class Forgetful(layers.Layer):
    def __init__(self, factor, **layer):
        super().__init__(**layer)
        self.factor = factor

    def forward(self, x):
        return x * self.factor


class ForgetfulLoss(losses.Loss):
    def __init__(self, weight):
        self.weight = weight

    def call(self, y_true, y_pred):
        return (y_true - y_pred) ** 2


def relu(x):
    return x


def acc(y_true, y_pred):
    return abs(y_true - y_pred)


def mse(y_true, y_pred):
    return abs(y_true - y_pred)


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (nn.LayerNorm(4), r"'layer_norm' is a torch module, .*LayerNorm"),
        (layers.TorchModule(nn.LayerNorm(4)), r"'torch_module' is a torch module, .*LayerNorm"),
        (layers.Dense(3, activation=lambda x: x), r"layer 'dense' .*no name.*def"),
        (layers.Dense(3, activation=nn.ReLU()), r"layer 'dense' .*ReLU\(\) has no name"),
        (layers.Dense(3, kernel_initializer=lambda shape: torch.zeros(shape)), r"lambda.*no name"),
        (layers.Activation(relu), r"layer 'activation' .*called 'relu'.*Rename"),
        (Forgetful(2.0), r"layer 'forgetful' .*get_config\(\) of Forgetful leaves out factor"),
    ],
)
def test_a_layer_that_no_file_can_hold_is_named_and_its_weights_can_be_saved(layer, named):
    model = Sequential([layers.Input((4,)), layer])
    with pytest.raises(ArgumentError, match=named) as caught:
        model.save("model.h5")
    assert "save_weights" in str(caught.value)
    assert os.listdir() == []
    model.save_weights("model.h5")
    model.load_weights("model.h5")


class Penalty(nn.Module):
    def forward(self, y_pred, y_true):
        return ((y_pred - y_true) ** 2).mean()


@pytest.mark.parametrize(
    ("compiled", "named"),
    [
        ({"loss": lambda y_true, y_pred: y_pred}, r"loss=<lambda>.*no name"),
        ({"loss": functools.partial(losses.mean_squared_error)}, r"loss=partial.*no name"),
        ({"loss": mse}, r"called 'mse'.*Rename"),
        ({"loss": ForgetfulLoss(3)}, r"ForgetfulLoss leaves out weight"),
        ({"loss": Penalty()}, r"loss=Penalty.*of its own.*def"),
        ({"loss": nn.CrossEntropyLoss(weight=torch.ones(3))}, r"loss=CrossEntropyLoss.*tensors"),
        ({"loss": "mse", "metrics": [lambda a, b: a]}, r"metric <lambda>.*no name"),
        ({"loss": "mse", "metrics": [acc]}, r"metric acc.*called 'acc'.*Rename"),
    ],
)
def test_a_loss_or_metric_that_no_file_can_hold_is_named(compiled, named):
    model = small()
    model.compile("sgd", **compiled)
    with pytest.raises(ArgumentError, match=named) as caught:
        model.save("model.h5")
    assert "Sequential 'sequential'.save" in str(caught.value)
    assert "save_weights" in str(caught.value)
    assert os.listdir() == []


def curved(x):
    return x**2


class Same(layers.Layer):
    def forward(self, x):
        return x


def far(y_true, y_pred):
    return abs(y_true - y_pred)


@pytest.mark.parametrize(
    ("layer", "compiled", "named"),
    [
        (
            layers.Activation(curved),
            None,
            r"layer 'activation' .*'curved' is not known.*custom_objects",
        ),
        (Same(), None, r"layer 'same' \(Same\): there is no such layer"),
        (Same(), {"loss": "mse"}, r"custom_objects="),
        (layers.Flatten(), {"loss": far}, r"names 'far'.*custom_objects=\{'far': ...\}"),
        (layers.Flatten(), {"loss": "mse", "metrics": [far]}, r"names 'far'.*custom_objects"),
        (
            layers.Flatten(),
            {"loss": "mse", "metrics": [metrics.MeanMetricWrapper(metrics.accuracy, "right")]},
            r"names 'right'.*custom_objects",
        ),
    ],
)
def test_what_is_the_users_is_asked_for_by_name(layer, compiled, named):
    model = Sequential([layers.Input((4,)), layer])
    if compiled is not None:
        model.compile("sgd", **compiled)
    model.save("model.h5")
    with pytest.raises(FileFormatError, match=named) as caught:
        load_model("model.h5")
    assert "load_model('model.h5')" in str(caught.value)


def test_a_misspelt_custom_object_is_guessed():
    model = small()
    model.compile("sgd", far)
    model.save("model.h5")
    with pytest.raises(FileFormatError, match="Did you mean 'farr'"):
        load_model("model.h5", custom_objects={"farr": far})


def test_nothing_but_a_loss_is_made_of_torchs_names():
    model = small()
    model.compile("sgd", nn.MSELoss())
    model.save("model.h5")
    with h5py.File("model.h5", "a") as file:
        config = file.attrs["training_config"]
        file.attrs["training_config"] = config.replace("MSELoss", "Identity")
    with pytest.raises(FileFormatError, match="Identity"):
        load_model("model.h5")
