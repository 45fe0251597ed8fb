"""LearningRateFinder: rates that rise, the losses they make, and a model that is as before."""

import numpy as np
import pytest
import torch

from onfit import Model, Sequential
from onfit.callbacks import LearningRateFinder, ReduceLROnPlateau
from onfit.core import Run
from onfit.errors import (
    ArgumentError,
    CapabilityError,
    MissingMetricError,
    NotReadyError,
    OnfitWarning,
)
from onfit.layers import Dense, Dropout
from onfit.optimizers import SGD, Adam
from onfit.utils import set_random_seed

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X @ np.array([[1.0], [2.0], [3.0]], "float32")


def compiled(optimizer):
    model = Sequential([Dense(4, input_shape=(3,)), Dropout(0.1), Dense(1)])
    model.compile(optimizer, "mse")
    return model


def fit(model, *callbacks, epochs=50, shuffle=True):
    return model.fit(X, Y, 8, epochs, verbose=0, callbacks=[*callbacks], shuffle=shuffle)


def test_the_rates_rise_by_a_fixed_factor():
    finder = LearningRateFinder(1e-4, 1e-2, steps=5)
    fit(compiled(SGD(0.5)), finder)
    np.testing.assert_allclose(finder.learning_rates, np.geomspace(1e-4, 1e-2, 5))
    assert len(finder.losses) == 5


def test_the_first_loss_is_the_batchs_own():
    finder = LearningRateFinder(1e-9, 1e-8, steps=3, smoothing=0.5)
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile(SGD(), "mse")
    loss = model.evaluate(X[:8], Y[:8], verbose=0)
    fit(model, finder, shuffle=False)
    np.testing.assert_allclose(finder.losses[0], loss, rtol=1e-5)


@pytest.mark.parametrize("optimizer", [lambda: SGD(0.01, momentum=0.9), lambda: Adam(0.01)])
@pytest.mark.parametrize("trained_before", [False, True])
def test_a_training_after_it_begins_where_it_began(optimizer, trained_before):
    def trained(*finders):
        set_random_seed(3)
        model = compiled(optimizer())
        if trained_before:
            fit(model, epochs=1)
        model.predict(X[:1], verbose=0)
        for finder in finders:
            fit(model, finder)
        assert model.optimizer.learning_rate == pytest.approx(0.01)
        set_random_seed(4)
        fit(model, epochs=2)
        return model.get_weights()

    for one, other in zip(trained(), trained(LearningRateFinder(1e-4, 1.0, 30)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_torch_optimizer_is_as_before_too():
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.25)
    model = Model(net)
    model.compile(optimizer, "mse")
    before = [tensor.clone() for tensor in net.parameters()]
    fit(model, LearningRateFinder(1e-4, 1.0, 20))
    assert all(map(torch.equal, before, net.parameters()))
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert not optimizer.state_dict()["state"]


def test_by_hand_it_stops_and_puts_the_model_back():
    model, finder = compiled(SGD(0.25)), LearningRateFinder(1e-4, 1e-2, steps=3)
    model.predict(X[:1], verbose=0)
    before = model.get_weights()
    finder.set_model(model)
    finder.on_train_begin({})
    model.stop_training = False
    for batch in range(3):
        assert not model.stop_training
        finder.on_batch_begin(batch, {})
        finder.on_batch_end(batch, {"loss": model.train_on_batch(X[:8], Y[:8])})
    assert model.stop_training
    finder.on_train_end({})
    assert all(map(np.array_equal, before, model.get_weights()))
    assert model.optimizer.learning_rate == 0.25


def test_it_stops_where_the_loss_diverges():
    finder = LearningRateFinder(1e-3, 1e3, steps=60)
    model = compiled(SGD())
    fit(model, finder)
    assert len(finder.losses) < 60
    assert finder.suggestion < finder.learning_rates[-1]


@pytest.mark.parametrize(
    ("losses", "rate"),
    [
        ([5.0, 4.9, 4.0, 1.0, 2.0], 1e-2),
        ([5.0, 4.9, 5.1, 4.0, 1.0], 1e-1),  # it may rise in between
        ([9.0, 5.0, 4.9, 1.0, 7.0], 1e-2),  # a first loss far above the others is no fall
        ([5.0, 4.9, 4.0, float("nan"), 1.0], 1e-2),
    ],
)
def test_the_suggestion_is_at_two_thirds_of_the_longest_fall(losses, rate):
    finder = LearningRateFinder()
    finder.learning_rates, finder.losses = [1e-4, 1e-3, 1e-2, 1e-1, 1.0], losses
    assert finder.suggestion == rate


@pytest.mark.parametrize("seed", range(20))
def test_the_suggestion_is_in_the_fall_however_the_first_losses_vary(seed):
    finder = LearningRateFinder(1e-6, 1.0, steps=100)
    finder.learning_rates = [1e-6 * 10 ** (6 * step / 99) for step in range(100)]
    noise = np.random.default_rng(seed).normal(0, 0.02, 100)
    level = (
        [1.0] * 60 + [1.0 - 0.03 * step for step in range(30)] + [0.5 * step for step in range(10)]
    )
    finder.losses = [float(one + other) for one, other in zip(level, noise, strict=True)]
    assert finder.learning_rates[55] < finder.suggestion < finder.learning_rates[90]


@pytest.mark.parametrize("losses", [[], [1.0, 2.0], [1.0, 2.0, 3.0]])
def test_without_a_fall_there_is_none(losses):
    finder = LearningRateFinder()
    finder.losses, finder.learning_rates = losses, [0.1] * len(losses)
    with pytest.raises(NotReadyError, match="none fell"):
        _ = finder.suggestion


def test_the_curve_is_drawn_and_saved(tmp_path):
    finder = LearningRateFinder(1e-4, 1e-1, steps=20)
    with pytest.raises(NotReadyError, match="no rate is tried"):
        finder.plot()
    fit(compiled(SGD()), finder)
    (axes,) = finder.plot(tmp_path / "rates.png").axes
    assert axes.get_xscale() == "log"
    assert (tmp_path / "rates.png").stat().st_size > 0


def test_another_callback_that_sets_the_rate_is_named():
    with pytest.warns(OnfitWarning, match="LearningRateFinder and ReduceLROnPlateau set the same"):
        fit(compiled(SGD()), ReduceLROnPlateau("loss"), LearningRateFinder(1e-4, 1e-3, 5))


def test_a_model_that_cannot_be_put_back_is_an_error_before_training():
    class Bare:
        optimizer = SGD()

    with pytest.raises(CapabilityError, match="state_for_resume"):
        Run(Bare(), [LearningRateFinder()]).__enter__()


@pytest.mark.parametrize(
    "arguments",
    [{"min_learning_rate": 0}, {"max_learning_rate": 1e-9}, {"steps": 2}, {"smoothing": 1}],
)
def test_numbers_that_make_no_search_are_errors(arguments):
    with pytest.raises(ArgumentError, match="the rates rise from above 0"):
        LearningRateFinder(**arguments)


def test_batches_without_a_loss_are_an_error():
    net = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    run = Run(net, LearningRateFinder(), optimizer=optimizer, params={"verbose": 0})

    def train():
        with run:
            for _ in run.epochs():
                for _ in run.batches([1]):
                    run.log(l1=1.0)

    with pytest.raises(MissingMetricError, match=r"none for its batches\. There are: l1"):
        train()


def test_a_training_of_too_few_batches_is_warned_of():
    with pytest.warns(OnfitWarning, match=r"tried 8 of 100 rates, up to .*Give it more epochs"):
        fit(compiled(SGD(0.5)), LearningRateFinder(), epochs=1)
