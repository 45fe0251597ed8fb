"""Layers, losses, metrics and schedules: from onfit to real Keras 3, and back."""

import keras
import numpy as np
import pytest
from tests.saving.keras_models import (
    FIT,
    X,
    Y,
    assert_same,
    opened_by_keras,
    ours,
    predictions,
    theirs,
    tolerant_of_keras,
)

from onfit import layers, losses, metrics, optimizers
from onfit.models import Sequential, load_model

pytestmark = tolerant_of_keras


_draw = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("ExponentialDecay", {"decay_steps": 3, "decay_rate": 0.9, "staircase": True}),
        ("CosineDecay", {"decay_steps": 20}),
    ],
)
def test_a_schedule_of_the_learning_rate_goes_both_ways(tmp_path, kind, options):
    def scheduled(rooms):
        schedule = getattr(rooms.schedules, kind)(initial_learning_rate=0.1, **options)
        return rooms.SGD(schedule, momentum=0.9)

    model, other = ours(scheduled(optimizers)), theirs(scheduled(keras.optimizers))
    for each in (model, other):
        each.fit(X, Y, **FIT)
    model.save(tmp_path / "ours.h5")
    other.save(tmp_path / "theirs.h5")
    pairs = [
        (load_model(tmp_path / "ours.h5"), opened_by_keras(tmp_path / "ours.h5")),
        (load_model(tmp_path / "theirs.h5"), other),
    ]
    for mine, theirs_ in pairs:
        rate = mine.optimizer.learning_rate
        assert rate == pytest.approx(float(theirs_.optimizer.learning_rate))
        histories = [each.fit(X, Y, **FIT).history for each in (mine, theirs_)]
        assert_same(histories[0]["loss"], histories[1]["loss"])
        assert_same(mine.get_weights(), theirs_.get_weights())
        assert mine.optimizer.learning_rate < rate


MEASURES = [
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "AUC", {"num_thresholds": 20}),
    ("LogCosh", {}, "Accuracy", {}),
    ("CosineSimilarity", {}, "BinaryAccuracy", {"threshold": 0.3}),
    ("MeanSquaredError", {"reduction": "sum"}, "F1Score", {"average": "macro"}),
    ("KLDivergence", {}, "Precision", {"thresholds": 0.4}),
    ("Poisson", {}, "TopKCategoricalAccuracy", {"k": 2}),
]


@pytest.mark.parametrize(("loss", "options", "metric", "further"), MEASURES)
def test_losses_and_metrics_go_both_ways_with_their_options(
    tmp_path, loss, options, metric, further
):
    y = np.eye(3, dtype="float32")[Y]
    for make, rooms, load in (
        (ours, (losses, metrics), keras.models.load_model),
        (theirs, (keras.losses, keras.metrics), load_model),
    ):
        model = make()
        measured = getattr(rooms[1], metric)(name="measured", **further)
        model.compile("sgd", getattr(rooms[0], loss)(**options), metrics=[measured])
        model.save(tmp_path / "model.h5")
        loaded = load(tmp_path / "model.h5")
        expected = model.evaluate(X, y, verbose=0, return_dict=True)
        found = loaded.evaluate(X, y, verbose=0, return_dict=True)
        assert found.keys() == expected.keys() == {"loss", "measured"}
        assert_same(list(found.values()), list(expected.values()))


LAYERS = [
    ("Conv1D", {"filters": 3, "kernel_size": 2, "strides": 2, "activation": "relu"}, (8, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": (3, 2), "padding": "same", "groups": 2}, (8, 8, 2)),
    ("MaxPooling1D", {"pool_size": 2}, (8, 2)),
    ("AveragePooling2D", {"pool_size": 2, "padding": "same"}, (7, 7, 2)),
    ("GlobalMaxPooling2D", {}, (8, 8, 2)),
    ("BatchNormalization", {"scale": False}, (6,)),
    ("LayerNormalization", {}, (6,)),
    ("LSTM", {"units": 4, "return_sequences": True, "go_backwards": True}, (7, 3)),
    ("GRU", {"units": 4, "reset_after": False}, (7, 3)),
    ("Embedding", {"input_dim": 10, "output_dim": 3}, (5,)),
    ("Reshape", {"target_shape": (2, 3)}, (6,)),
]


@pytest.mark.parametrize(("kind", "options", "shape"), LAYERS, ids=[case[0] for case in LAYERS])
def test_layers_go_both_ways(tmp_path, kind, options, shape):
    x = abs(_draw.normal(size=(5, *shape)).astype("float32"))
    for sequential, room, load in (
        (Sequential, layers, keras.models.load_model),
        (keras.Sequential, keras.layers, load_model),
    ):
        model = sequential([room.Input(shape), getattr(room, kind)(**options)])
        model.set_weights([w + _draw.random(w.shape).astype(w.dtype) for w in model.get_weights()])
        model.save(tmp_path / "model.h5")
        loaded = load(tmp_path / "model.h5")
        assert_same([predictions(loaded, x)], [predictions(model, x)])
