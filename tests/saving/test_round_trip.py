"""What is saved comes back, and goes on as if nothing had been between."""

import copy

import pytest
import torch
from tests.saving.small import (
    FIT,
    ONE_HOT,
    X,
    Y,
    assert_identical,
    each_whole,
    predictions,
    saved_and_loaded,
    small,
)
from torch import nn

from onfit import initializers, layers, losses, metrics, optimizers
from onfit.models import Sequential, load_model


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".H5", ".keras"])
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
@each_whole
def test_training_goes_on_bit_for_bit_as_if_it_had_not_been_saved(tmp_path, suffix, optimizer):
    model = small(activation="softmax")
    optimizer = copy.deepcopy(optimizer)  # each model has its own
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["acc"])
    model.fit(X, Y, epochs=2, **FIT)
    model.optimizer.learning_rate = model.optimizer.learning_rate / 3
    loaded = saved_and_loaded(model, tmp_path, suffix)
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


@each_whole
def test_a_layer_frozen_since_the_last_step_keeps_training_equal(tmp_path, suffix):
    model = small()
    model.compile("adam", "mse")
    model.fit(X, ONE_HOT, **FIT)
    model.layers[0].trainable = False
    loaded = saved_and_loaded(model, tmp_path, suffix)
    assert loaded.layers[0].trainable is False
    for each in (model, loaded):
        each.fit(X, ONE_HOT, **FIT)
    assert_identical(loaded.get_weights(), model.get_weights())


@each_whole
def test_a_model_compiled_and_never_trained_comes_back_so(tmp_path, suffix):
    model = small()
    model.compile(optimizers.Adam(0.02), "mse", metrics=["mae"])
    loaded = saved_and_loaded(model, tmp_path, suffix)
    assert (loaded.optimizer.iterations, loaded.optimizer.learning_rate) == (0, 0.02)
    for each in (model, loaded):
        each.fit(X, ONE_HOT, **FIT)
    assert_identical(loaded.get_weights(), model.get_weights())


@each_whole
def test_an_uncompiled_model_comes_back_uncompiled(tmp_path, suffix):
    assert saved_and_loaded(small(), tmp_path, suffix).optimizer is None


@each_whole
def test_compile_false_leaves_out_what_compile_received(tmp_path, suffix):
    model = small()
    model.compile("adam", "mse")
    assert saved_and_loaded(model, tmp_path, suffix, compile=False).optimizer is None


@pytest.mark.parametrize("names", [["acc"], ["accuracy"], ["mse", "MAE"], []])
@each_whole
def test_metrics_come_back_under_the_names_that_the_user_wrote(tmp_path, suffix, names):
    model = small()
    model.compile("sgd", "mse", metrics=names)
    assert saved_and_loaded(model, tmp_path, suffix).metrics_names == ["loss", *names]


@each_whole
def test_a_metric_renamed_comes_back_renamed(tmp_path, suffix):
    model = small()
    model.compile(
        "sgd", "mse", metrics=[metrics.MeanMetricWrapper(metrics.mean_absolute_error, "far")]
    )
    loaded = saved_and_loaded(model, tmp_path, suffix)
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
@each_whole
def test_losses_come_back_with_their_options(tmp_path, suffix, loss, y):
    model = small(activation="softmax")
    model.compile("sgd", loss)
    loaded = saved_and_loaded(model, tmp_path, suffix)
    assert loaded.compiled.loss.name == model.compiled.loss.name
    assert loaded.evaluate(X, y, verbose=0) == model.evaluate(X, y, verbose=0)


@each_whole
def test_the_weight_of_a_loss_comes_back(tmp_path, suffix):
    model = small()
    model.compile("sgd", "mse", loss_weights=[0.25])
    loaded = saved_and_loaded(model, tmp_path, suffix)
    assert loaded.evaluate(X, ONE_HOT, verbose=0) == model.evaluate(X, ONE_HOT, verbose=0)
    assert loaded.compiled.targets[0].weight == 0.25


@each_whole
def test_layers_come_back_with_names_options_and_order(tmp_path, suffix):
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
    loaded = saved_and_loaded(model, tmp_path, suffix)
    assert loaded.name == "named"
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in model.layers]
    assert [layer.name for layer in loaded.layers] == ["flat", "dense", "dropout", "last"]
    assert loaded.input_shape == (None, 2, 2)
    assert loaded.output_shape == model.output_shape
    dense, dropout = loaded.layers[1:3]
    assert dense.bias is None
    assert dense.kernel_initializer.value == 0.5
    assert (dropout.rate, dropout.noise_shape, dropout.seed) == (0.3, (None, 1), 7)


@each_whole
def test_integer_inputs_come_back_as_such(tmp_path, suffix):
    model = Sequential([layers.Input((3,), dtype="int64"), layers.Flatten()])
    assert saved_and_loaded(model, tmp_path, suffix).input.dtype == torch.int64


@each_whole
def test_a_model_inside_a_model_comes_back_inside_it(tmp_path, suffix):
    inner = Sequential([layers.Dense(5, input_dim=8), layers.Dense(3)], name="inner")
    model = Sequential([layers.Dense(8, input_dim=4), inner])
    loaded = saved_and_loaded(model, tmp_path, suffix)
    assert_identical(predictions(loaded), predictions(model))
    assert [layer.name for layer in loaded.layers[1].layers] == ["dense", "dense_1"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@each_whole
def test_weights_of_other_float_types_come_back_exactly(tmp_path, suffix, dtype):
    model = small().to(dtype)
    loaded = saved_and_loaded(model, tmp_path, suffix)
    assert {parameter.dtype for parameter in loaded.parameters()} == {dtype}
    for mine, other in zip(model.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_folders_are_made(tmp_path):
    model = small()
    model.save(tmp_path / "a" / "b" / "model.h5")
    assert_identical(predictions(load_model(tmp_path / "a" / "b" / "model.h5")), predictions(model))
