"""LossScaleOptimizer: its arithmetic, beside Keras', in files, and in a run that goes on."""

import warnings

import keras
import numpy as np
import pytest
import torch
from tests.engine.model.test_resume import KillAt, Killed
from tests.saving.keras_models import assert_same, opened_by_keras
from tests.twin.keras_twin import assert_twins, hidden, make_data, tolerant_of_keras

from onfit import Run, callbacks, models, optimizers
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.optimizers import SGD, Adam, LossScaleOptimizer

pytestmark = tolerant_of_keras

DATA = make_data()
INF = float("inf")
OPTIONS = {
    "plain": {},
    "accumulation": {"gradient_accumulation_steps": 3},
    "an average": {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2},
    "all": {"gradient_accumulation_steps": 2, "use_ema": True, "global_clipnorm": 0.5},
    "loss_scale_factor": {"loss_scale_factor": 100.0},
}


def stepped(optimizer, *grads):
    """The weight after these gradients, each of one number."""
    weight = torch.ones(1)
    optimizer.build([weight])
    for grad in grads:
        optimizer.apply([torch.tensor([grad])])
    return float(weight)


def test_gradients_are_divided_by_the_scale():
    assert stepped(LossScaleOptimizer(SGD(0.5), initial_scale=4.0), 4.0) == 0.5


@pytest.mark.parametrize("bad", [INF, -INF, float("nan")])
def test_no_step_is_taken_along_what_is_not_finite_and_the_scale_is_halved(bad):
    optimizer = LossScaleOptimizer(SGD(0.5), initial_scale=400.0)
    assert stepped(optimizer, bad, bad, bad, bad) == 1.0
    assert optimizer.iterations == 0
    assert optimizer.scale_loss(1.0) == 25.0


def test_the_scale_is_doubled_after_so_many_good_batches_in_a_row():
    optimizer = LossScaleOptimizer(SGD(0.0), initial_scale=2.0, dynamic_growth_steps=2)
    stepped(optimizer, 1.0, INF, 1.0, 1.0, 1.0)
    assert (float(optimizer.dynamic_scale), int(optimizer.step_counter)) == (2.0, 1)


def test_the_scale_never_falls_to_zero():
    optimizer = LossScaleOptimizer(SGD(0.5), initial_scale=1e-37)
    assert stepped(optimizer, *[INF] * 20, 0.0) == 1.0
    assert optimizer.dynamic_scale > 0


def test_a_parameter_without_a_gradient_stays():
    weights = [torch.ones(1), torch.ones(1)]
    optimizer = LossScaleOptimizer(SGD(0.5), initial_scale=2.0)
    optimizer.build(weights)
    optimizer.apply([None, torch.tensor([2.0])])
    optimizer.apply([None, None])
    assert [float(weight) for weight in weights] == [1.0, 0.5]


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize(("scale", "growth"), [(2.0**127, 100), (8.0, 3)])
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_a_training_is_keras(kind, scale, growth, name):
    """The first steps of one are not finite: its scale is too high for a float."""

    def optimizer(lib):
        inner = getattr(lib.optimizers, kind)(0.02, **OPTIONS[name])
        return lib.optimizers.LossScaleOptimizer(inner, scale, growth)

    with np.errstate(over="ignore"):
        assert_twins(
            lambda lib: hidden(lib, 1),
            lambda lib: {"optimizer": optimizer(lib), "loss": "mse"},
            DATA.x,
            DATA.real,
            epochs=5,
        )


def test_learning_rate_and_options_are_those_of_the_optimizer_within():
    inner = Adam(0.1)
    optimizer = LossScaleOptimizer(inner)
    optimizer.learning_rate, optimizer.clipnorm = 0.2, 1.5
    assert (float(inner.learning_rate), inner.clipnorm) == (0.2, 1.5)
    optimizer.dynamic_scale.assign(8.0)
    assert optimizer.scale_loss(2.0) == 16.0
    with pytest.raises(ArgumentError, match="clipnorm"):
        optimizer.clipnom = 1.0
    with pytest.raises(ArgumentError, match="another LossScaleOptimizer"):
        optimizer.inner_optimizer = SGD()


def test_its_state_can_be_taken_and_given_back():
    one, other = (
        LossScaleOptimizer(Adam(0.1), initial_scale=4.0, dynamic_growth_steps=2) for _ in range(2)
    )
    stepped(one, 1.0, 2.0, 3.0, INF, 1.0)
    stepped(other)
    other.load_state_dict(one.state_dict())
    assert (other.dynamic_scale, other.step_counter) == (one.dynamic_scale, one.step_counter)
    for mine, its in zip(other.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    one.reset_state()
    assert (float(one.dynamic_scale), int(one.iterations)) == (4.0, 0)


def test_it_goes_around_a_torch_optimizer():
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = LossScaleOptimizer(torch.optim.SGD([weight], lr=0.5), initial_scale=2.0)
    optimizer.build([weight])
    for grad in (2.0, INF):
        optimizer.apply([torch.tensor([grad])])
    assert weight.item() == 0.5
    assert optimizer.dynamic_scale == 1.0


REFUSED = {
    "use_ema": (lambda: LossScaleOptimizer(SGD(), use_ema=True), "on the `inner_optimizer`"),
    "dynamic": (lambda: LossScaleOptimizer(SGD(), dynamic=False), "set `loss_scale_factor`"),
    "unknown": (lambda: LossScaleOptimizer(SGD(), foo=True, bar=3), "arguments: `foo`, `bar`"),
    "scale": (lambda: LossScaleOptimizer(SGD(), initial_scale=0.0), "initial_scale=0.0"),
    "growth": (lambda: LossScaleOptimizer(SGD(), dynamic_growth_steps=0), "growth_steps=0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused(name):
    make, words = REFUSED[name]
    with pytest.raises(ArgumentError, match=words):
        make()


@pytest.mark.parametrize("inner", ["adam", None, LossScaleOptimizer(SGD())])
def test_what_is_no_optimizer_to_go_around_is_refused(inner):
    with pytest.raises(ArgumentTypeError, match="scales the loss for another"):
        LossScaleOptimizer(inner)


def test_it_is_made_again_from_its_configuration():
    schedule = optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    optimizer = LossScaleOptimizer(SGD(schedule, momentum=0.9), 8.0, 3, name="mine")
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert isinstance(again, LossScaleOptimizer)
    assert (again.name, again.initial_scale, again.dynamic_growth_steps) == ("mine", 8.0, 3)
    assert again.inner_optimizer.momentum == 0.9
    theirs = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5))
    read = LossScaleOptimizer.from_config(theirs.get_config())
    assert float(read.learning_rate) == 0.5


# --- in a training --------------------------------------------------------------------------


def compiled(optimizer=None):
    torch.manual_seed(0)
    from onfit import Sequential, layers

    model = Sequential([layers.Dense(5, activation="tanh", input_dim=6), layers.Dense(1)])
    inner = Adam(0.02, use_ema=True, gradient_accumulation_steps=2)
    model.compile(optimizer or LossScaleOptimizer(inner, 2.0**127, 4), "mse", metrics=["mae"])
    return model


FIT = {"batch_size": 10, "verbose": 0, "shuffle": False}


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_file_keeps_the_scale_and_the_state_within(tmp_path, suffix):
    whole, model = compiled(), compiled()
    whole.fit(DATA.x, DATA.real, epochs=3, **FIT)
    model.fit(DATA.x, DATA.real, epochs=2, **FIT)
    for one in (whole, model):
        assert one.optimizer.dynamic_scale != 2.0**127
    path = tmp_path / f"model.{suffix}"
    # The averages are in the weights' place when a fit ends: so one goes on in the other's.
    model.save(path)
    read = models.load_model(path)
    assert read.optimizer.get_config() == model.optimizer.get_config()
    assert read.optimizer.step_counter == model.optimizer.step_counter
    assert read.optimizer.dynamic_scale == model.optimizer.dynamic_scale
    for one in (model, read):
        one.fit(DATA.x, DATA.real, epochs=1, **FIT)
    for mine, other in zip(model.get_weights(), read.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_keras_opens_our_file_and_we_open_keras(tmp_path):
    ours = compiled(LossScaleOptimizer(SGD(0.02, momentum=0.9), 64.0, 4))
    ours.fit(DATA.x, DATA.real, epochs=2, **FIT)
    for name in ("ours.keras", "ours.h5"):
        ours.save(tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = keras.models.load_model(tmp_path / "ours.keras")
    assert float(opened.optimizer.dynamic_scale) == float(ours.optimizer.dynamic_scale)
    older = opened_by_keras(tmp_path / "ours.h5")  # which compares the names of all variables
    assert float(older.optimizer.dynamic_scale) == float(ours.optimizer.dynamic_scale)
    opened.compile(opened.optimizer, "mse")
    for one in (ours, opened):
        one.fit(DATA.x, DATA.real, epochs=2, **FIT)
    assert_same(opened.get_weights(), ours.get_weights())
    for name in ("theirs.keras", "theirs.h5"):
        opened.save(tmp_path / name)
        read = models.load_model(tmp_path / name)
        assert float(read.optimizer.dynamic_scale) == float(opened.optimizer.dynamic_scale)
        assert_same(read.optimizer.slots["momentum"], ours.optimizer.slots["momentum"])


@pytest.mark.parametrize("kill", [1, 6, 9])
def test_a_killed_run_goes_on_with_the_same_scale(tmp_path, kill):
    def fit(folder, *also):
        model = compiled()
        backup = callbacks.BackupAndRestore(tmp_path / folder, save_freq="batch", verbose=0)
        model.fit(DATA.x, DATA.real, epochs=3, callbacks=[backup, *also], **FIT)
        return model

    whole = fit("whole")
    with pytest.raises(Killed):
        fit("cut", KillAt(kill))
    again = fit("cut")
    assert again.optimizer.dynamic_scale == whole.optimizer.dynamic_scale
    assert again.optimizer.step_counter == whole.optimizer.step_counter
    for mine, other in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_callbacks_see_gradients_of_the_loss_itself():
    seen = []

    class Look(callbacks.Callback):
        def on_before_optimizer_step(self, batch, logs=None):
            seen.append(float(self.model.layers[1].kernel.grad.abs().max()))

    plain, scaled = compiled(SGD(0.01)), compiled(LossScaleOptimizer(SGD(0.01), 1024.0))
    for model in (plain, scaled):
        model.fit(DATA.x, DATA.real, epochs=1, callbacks=[Look()], **FIT)
    half = len(seen) // 2
    np.testing.assert_allclose(seen[:half], seen[half:], rtol=1e-5)


def test_swapped_averages_are_those_of_the_optimizer_within():
    model = compiled(LossScaleOptimizer(SGD(0.02, use_ema=True, ema_momentum=0.9)))
    history = model.fit(
        DATA.x, DATA.real, epochs=2, validation_data=(DATA.x, DATA.real),
        callbacks=[callbacks.SwapEMAWeights()], **FIT,
    )  # fmt: skip
    logs = model.evaluate(DATA.x, DATA.real, verbose=0, return_dict=True)
    assert history.history["val_mae"][-1] == pytest.approx(logs["mae"])


def test_a_loop_of_ones_own_scales_its_loss():
    net = torch.nn.Linear(6, 1)
    optimizer = LossScaleOptimizer(SGD(0.1), initial_scale=32.0)
    optimizer.build(list(net.parameters()))
    before = net.weight.detach().clone()
    with Run(net, [], epochs=1) as run:
        for _ in run.epochs():
            loss = optimizer.scale_loss(net(torch.ones(2, 6)).square().mean())
            optimizer.apply(torch.autograd.grad(loss, list(net.parameters())))
            run.log(loss=loss)
    assert (net.weight != before).any()
