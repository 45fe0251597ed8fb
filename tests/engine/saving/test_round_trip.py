"""What is saved comes back, and goes on as if nothing had been between."""

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from onfit import initializers, layers, losses, metrics, optimizers
from onfit.callbacks import ModelCheckpoint
from onfit.errors import FileFormatError, OnfitWarning
from onfit.models import Model, Sequential, load_model

_draw = np.random.default_rng(0)
X = _draw.normal(size=(40, 4)).astype("float32")
Y = _draw.integers(0, 3, 40)
ONE_HOT = np.eye(3, dtype="float32")[Y]
FIT = {"batch_size": 16, "shuffle": False, "verbose": 0}


def small(**dense):
    return Sequential([layers.Dense(8, activation="relu", input_dim=4), layers.Dense(3, **dense)])


def predictions(model):
    return model.predict(X, verbose=0)


def assert_identical(these, those):
    assert len(these) == len(those)
    for this, that in zip(these, those, strict=True):
        np.testing.assert_array_equal(this, that)


def saved_and_loaded(model, tmp_path, **load):
    model.save(tmp_path / "model.h5")
    return load_model(tmp_path / "model.h5", **load)


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".H5"])
def test_a_loaded_model_predicts_bit_for_bit_the_same(tmp_path, suffix):
    model = small()
    model.save(tmp_path / f"model{suffix}")
    assert_identical(predictions(load_model(tmp_path / f"model{suffix}")), predictions(model))


@pytest.mark.parametrize(
    "optimizer",
    [
        optimizers.SGD(),
        optimizers.SGD(1 / 3, momentum=0.9),
        optimizers.SGD(momentum=0.9, nesterov=True),
        optimizers.RMSprop(),
        optimizers.RMSprop(momentum=0.5, centered=True),
        optimizers.Adam(),
        optimizers.Adam(0.01, amsgrad=True),
    ],
    ids=["sgd", "momentum", "nesterov", "rmsprop", "centered", "adam", "amsgrad"],
)
def test_training_goes_on_bit_for_bit_as_if_it_had_not_been_saved(tmp_path, optimizer):
    model = small(activation="softmax")
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["acc"])
    model.fit(X, Y, epochs=2, **FIT)
    model.optimizer.learning_rate = model.optimizer.learning_rate / 3
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.optimizer is not model.optimizer
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert loaded.optimizer.iterations == model.optimizer.iterations == 6
    assert_identical(loaded.optimizer.state(), model.optimizer.state())
    histories = [each.fit(X, Y, epochs=2, **FIT).history for each in (model, loaded)]
    assert histories[0] == histories[1]
    assert_identical(loaded.get_weights(), model.get_weights())


def test_saving_changes_nothing_in_the_model_that_is_saved(tmp_path):
    models = [small(activation="softmax") for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(X, Y, **FIT)
    models[0].save(tmp_path / "model.h5")
    for model in models:
        model.fit(X, Y, **FIT)
    assert_identical(models[0].get_weights(), models[1].get_weights())


def test_a_layer_frozen_since_the_last_step_keeps_training_equal(tmp_path):
    model = small()
    model.compile("adam", "mse")
    model.fit(X, ONE_HOT, **FIT)
    model.layers[0].trainable = False
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.layers[0].trainable is False
    for each in (model, loaded):
        each.fit(X, ONE_HOT, **FIT)
    assert_identical(loaded.get_weights(), model.get_weights())


def test_a_model_compiled_and_never_trained_comes_back_so(tmp_path):
    model = small()
    model.compile(optimizers.Adam(0.02), "mse", metrics=["mae"])
    loaded = saved_and_loaded(model, tmp_path)
    assert (loaded.optimizer.iterations, loaded.optimizer.learning_rate) == (0, 0.02)
    for each in (model, loaded):
        each.fit(X, ONE_HOT, **FIT)
    assert_identical(loaded.get_weights(), model.get_weights())


def test_an_uncompiled_model_comes_back_uncompiled(tmp_path):
    assert saved_and_loaded(small(), tmp_path).optimizer is None


def test_compile_false_leaves_out_what_compile_received(tmp_path):
    model = small()
    model.compile("adam", "mse")
    assert saved_and_loaded(model, tmp_path, compile=False).optimizer is None


@pytest.mark.parametrize("names", [["acc"], ["accuracy"], ["mse", "MAE"], []])
def test_metrics_come_back_under_the_names_that_the_user_wrote(tmp_path, names):
    model = small()
    model.compile("sgd", "mse", metrics=names)
    assert saved_and_loaded(model, tmp_path).metrics_names == ["loss", *names]


def test_a_metric_renamed_comes_back_renamed(tmp_path):
    model = small()
    model.compile("sgd", "mse", metrics=[metrics.Metric(metrics.mean_absolute_error, "far")])
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.metrics_names == ["loss", "far"]
    assert loaded.evaluate(X, ONE_HOT, verbose=0) == model.evaluate(X, ONE_HOT, verbose=0)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("mse", ONE_HOT),
        (losses.mean_absolute_error, ONE_HOT),
        (losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), ONE_HOT),
        (losses.CategoricalCrossentropy(label_smoothing=0.2), ONE_HOT),
        (losses.SparseCategoricalCrossentropy(from_logits=True), Y),
        (nn.CrossEntropyLoss(label_smoothing=0.1), Y),
        (nn.HuberLoss(delta=0.5), ONE_HOT),
        (nn.SmoothL1Loss(beta=0.1), ONE_HOT),
        (nn.functional.cross_entropy, Y),
        (nn.functional.l1_loss, ONE_HOT),
    ],
)
def test_losses_come_back_with_their_options(tmp_path, loss, y):
    model = small(activation="softmax")
    model.compile("sgd", loss)
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.compiled.loss.name == model.compiled.loss.name
    assert loaded.evaluate(X, y, verbose=0) == model.evaluate(X, y, verbose=0)


def test_the_weight_of_a_loss_comes_back(tmp_path):
    model = small()
    model.compile("sgd", "mse", loss_weights=[0.25])
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.evaluate(X, ONE_HOT, verbose=0) == model.evaluate(X, ONE_HOT, verbose=0)
    assert loaded.compiled.targets[0].weight == 0.25


def test_layers_come_back_with_names_options_and_order(tmp_path):
    model = Sequential(
        [
            layers.Input((2, 2)),
            layers.Flatten(name="flat"),
            layers.Dense(5, use_bias=False, kernel_initializer=initializers.Constant(0.5)),
            layers.Dropout(0.3, noise_shape=(None, 1), seed=7),
            layers.Activation("softmax", name="last"),
        ],
        name="named",
    )
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.name == "named"
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in model.layers]
    assert [layer.name for layer in loaded.layers] == ["flat", "dense", "dropout", "last"]
    assert loaded.input_shape == (None, 2, 2)
    assert loaded.output_shape == model.output_shape
    dense, dropout = loaded.layers[1:3]
    assert dense.bias is None
    assert dense.kernel_initializer.value == 0.5
    assert (dropout.rate, dropout.noise_shape, dropout.seed) == (0.3, (None, 1), 7)


def test_integer_inputs_come_back_as_such(tmp_path):
    model = Sequential([layers.Input((3,), dtype="int64"), layers.Flatten()])
    assert saved_and_loaded(model, tmp_path).input.dtype == torch.int64


def test_a_model_inside_a_model_comes_back_inside_it(tmp_path):
    inner = Sequential([layers.Dense(5, input_dim=8), layers.Dense(3)], name="inner")
    model = Sequential([layers.Dense(8, input_dim=4), inner])
    loaded = saved_and_loaded(model, tmp_path)
    assert_identical(predictions(loaded), predictions(model))
    assert [layer.name for layer in loaded.layers[1].layers] == ["dense", "dense_1"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_float_types_come_back_exactly(tmp_path, dtype):
    model = small().to(dtype)
    loaded = saved_and_loaded(model, tmp_path)
    assert {parameter.dtype for parameter in loaded.parameters()} == {dtype}
    for mine, other in zip(model.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_folders_are_made(tmp_path):
    model = small()
    model.save(tmp_path / "a" / "b" / "model.h5")
    assert_identical(predictions(load_model(tmp_path / "a" / "b" / "model.h5")), predictions(model))


# --- what is the user's ----------------------------------------------------------------------


def doubled(x):
    return 2 * x


def cubed(y_true, y_pred):
    return abs(y_true - y_pred) ** 3


def thirds(shape, dtype=None):
    return torch.full(shape, 1 / 3)


class Scale(layers.Layer):
    def __init__(self, factor=1.0, **layer):
        super().__init__(**layer)
        self.factor = factor

    def build(self, input_shape):
        self.add_weight("offset", (input_shape[-1],), "uniform")
        self.add_weight("steps", (), "zeros", trainable=False)

    def forward(self, x):
        return self.factor * x + self.offset

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class Weighted(losses.Loss):
    name = "weighted"

    def __init__(self, weight):
        self.weight = weight

    def call(self, y_true, y_pred):
        return self.weight * losses.mean_squared_error(y_true, y_pred)

    def get_config(self):
        return {"weight": self.weight}


class Slow(optimizers.SGD):
    pass


class Tenth(initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return torch.full(shape, 0.1)


def test_functions_and_classes_of_the_users_are_found_by_their_names(tmp_path):
    model = Sequential(
        [
            layers.Dense(
                5, activation=doubled, input_dim=4,
                kernel_initializer=thirds, bias_initializer=Tenth(),
            ),
            Scale(3.0, name="scale"),
            layers.Dense(3),
        ]
    )  # fmt: skip
    model.compile(Slow(0.01, momentum=0.5), Weighted(2.0), metrics=[cubed])
    model.fit(X, ONE_HOT, **FIT)
    mine = [doubled, cubed, thirds, Scale, Weighted, Slow, Tenth]
    custom = {each.__name__: each for each in mine}
    loaded = saved_and_loaded(model, tmp_path, custom_objects=custom)
    assert loaded.layers[1].factor == 3.0
    assert loaded.layers[0].kernel_initializer is thirds
    assert isinstance(loaded.layers[0].bias_initializer, Tenth)
    assert loaded.metrics_names == ["loss", "cubed"]
    for each in (model, loaded):
        each.fit(X, ONE_HOT, **FIT)
    assert_identical(loaded.get_weights(), model.get_weights())
    assert_identical(loaded.evaluate(X, ONE_HOT, verbose=0), model.evaluate(X, ONE_HOT, verbose=0))


class Largest(metrics.StatefulMetric):
    name, direction = "largest", "max"

    def reset(self):
        self.largest = torch.tensor(-torch.inf)

    def update(self, y_true, y_pred):
        self.largest = torch.maximum(self.largest, y_pred.max())

    def result(self):
        return self.largest


class Above(Largest):
    def __init__(self, least):
        self.least = least

    def get_config(self):
        return {"least": self.least}


def test_metrics_of_the_users_are_found_by_name_and_by_class(tmp_path):
    model = small()
    model.compile("sgd", "mse", metrics=[Largest()])
    for found in (Largest, Largest()):
        loaded = saved_and_loaded(model, tmp_path, custom_objects={"largest": found})
        assert isinstance(loaded.compiled.metrics[0], Largest)
    model.compile("sgd", "mse", metrics=[Above(3)])
    loaded = saved_and_loaded(model, tmp_path, custom_objects={"Above": Above})
    assert loaded.compiled.metrics[0].least == 3


def test_a_function_as_loss_is_found_by_its_name(tmp_path):
    model = small()
    model.compile("sgd", cubed)
    loaded = saved_and_loaded(model, tmp_path, custom_objects={"cubed": cubed})
    assert loaded.compiled.loss.function is cubed


def test_a_layer_named_as_a_function_of_the_users_keeps_its_name(tmp_path):
    model = Sequential([layers.Dense(3, input_dim=4, name="doubled", activation=doubled)])
    loaded = saved_and_loaded(model, tmp_path, custom_objects={"doubled": doubled})
    assert loaded.layers[0].name == "doubled"
    assert loaded.layers[0].activation is doubled


# --- torch's own, and models that only their own code can make --------------------------------


def test_a_torch_optimizer_is_left_out_and_said(tmp_path):
    model = small()
    model.compile(torch.optim.SGD(model.parameters(), lr=0.1), "mse")
    model.fit(X, ONE_HOT, **FIT)
    with pytest.warns(OnfitWarning, match=r"model\.h5.*torch optimizer.*compile"):
        model.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5")
    assert loaded.optimizer is None
    assert_identical(predictions(loaded), predictions(model))


def test_a_wrapped_module_saves_its_weights_and_its_optimizer(tmp_path):
    def net():
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))

    model = Model(net())
    # A loss without a name is no obstacle: nothing could be made of its name anyway.
    model.compile("adam", lambda y_true, y_pred: (y_true - y_pred) ** 2)
    model.fit(X, ONE_HOT, **FIT)
    model.save(tmp_path / "best.h5")
    other = Model(net())
    other.load_weights(tmp_path / "best.h5")
    assert_identical(other.get_weights(), model.get_weights())
    with h5py.File(tmp_path / "best.h5") as file:
        assert "model_config" not in file.attrs
        assert "Adam" in file.attrs["training_config"]
        assert len(file["optimizer_weights"].attrs["weight_names"]) == 2 + 2 * 6


def test_a_wrapped_module_with_a_torch_optimizer_saves_its_weights_without_a_word(tmp_path):
    net = nn.Linear(4, 3)
    model = Model(net)
    model.compile(torch.optim.SGD(net.parameters(), lr=0.1), "mse")
    model.save(tmp_path / "best.h5")
    other = Model(nn.Linear(4, 3))
    other.load_weights(tmp_path / "best.h5")
    assert_identical(other.get_weights(), model.get_weights())


def test_a_functional_model_saves_its_weights(tmp_path):
    def functional():
        x = layers.Input((4,))
        hidden = layers.Dense(5)(x)
        return Model(x, [layers.Dense(3)(hidden), layers.Dense(1)(hidden)])

    model, other = functional(), functional()
    model.compile("adam", "mse")
    model.save(tmp_path / "model.h5")
    other.load_weights(tmp_path / "model.h5")
    assert_identical(other.get_weights(), model.get_weights())


@pytest.mark.parametrize("make", [small, lambda: Model(nn.Linear(4, 3))])
def test_the_best_of_a_training_is_checkpointed_and_read_back(tmp_path, make):
    model, path = make(), tmp_path / "best.h5"
    model.compile("adam", "mse")
    before = model.get_weights()
    best = ModelCheckpoint(path, monitor="loss", save_best_only=True)
    model.fit(X, ONE_HOT, epochs=3, callbacks=[best], **FIT)
    after = model.get_weights()
    model.set_weights(before)
    model.load_weights(path)
    assert_identical(model.get_weights(), after)


class Scaled(Sequential):
    def forward(self, x):
        return 3 * super().forward(x)


def test_a_sequential_with_a_forward_of_its_own_saves_its_weights(tmp_path):
    model = Scaled([layers.Dense(3, input_dim=4)])
    model.save(tmp_path / "model.h5")
    other = Scaled([layers.Dense(3, input_dim=4)])
    other.load_weights(tmp_path / "model.h5")
    assert_identical(predictions(other), predictions(model))
    with pytest.raises(FileFormatError, match="only its own code can make"):
        load_model(tmp_path / "model.h5")


class TopLevel(Model):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(3))
        self.inner = nn.Linear(4, 3)

    def forward(self, x):
        return self.scale * self.inner(x)


def test_weights_that_belong_to_no_layer_are_kept_too(tmp_path):
    model, other = TopLevel(), TopLevel()
    model.save_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5")
    assert_identical(other.get_weights(), model.get_weights())
