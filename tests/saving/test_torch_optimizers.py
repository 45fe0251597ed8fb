"""The state of a torch optimizer in a file of a whole model, and back."""

import copy
from functools import partial

import keras
import numpy as np
import pytest
import torch
from tests.saving.small import FIT, ONE_HOT, X, assert_identical, predictions, small
from tests.twin.keras_twin import tolerant_of_keras

from onfit import layers
from onfit.callbacks import ModelCheckpoint
from onfit.errors import OnfitWarning
from onfit.models import Model, Sequential, load_model
from onfit.optimizers import SGD, LossScaleOptimizer

OPTIMIZERS = {
    "SGD": partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": partial(torch.optim.Adam, lr=0.01, betas=(0.8, 0.99), amsgrad=True),
    "AdamW": partial(torch.optim.AdamW, lr=0.01, weight_decay=0.1),
    "Adagrad": partial(torch.optim.Adagrad, lr=0.01, initial_accumulator_value=0.1),
    "RMSprop": partial(torch.optim.RMSprop, lr=0.01, momentum=0.5, centered=True),
    "Adadelta": torch.optim.Adadelta,
    "NAdam": torch.optim.NAdam,
    "RAdam": torch.optim.RAdam,
    "Adamax": torch.optim.Adamax,
    "ASGD": torch.optim.ASGD,
    "Rprop": torch.optim.Rprop,
    "Adafactor": torch.optim.Adafactor,
}
suffixes = pytest.mark.parametrize("suffix", ["keras", "h5"])


def trained(make, loss="mse"):
    model = small()
    model.compile(make(model.parameters()), loss, metrics=["mae"])
    model.fit(X, ONE_HOT, epochs=2, **FIT)
    return model


def assert_they_go_on_alike(*models):
    for model in models:
        torch.manual_seed(1)
        model.fit(X, ONE_HOT, epochs=2, **FIT)
    assert_identical(models[0].get_weights(), models[1].get_weights())


@suffixes
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_of_torchs_goes_on_from_a_file(tmp_path, name, suffix):
    model = trained(OPTIMIZERS[name])
    model.optimizer.learning_rate = 0.004
    model.save(tmp_path / f"model.{suffix}")
    loaded = load_model(tmp_path / f"model.{suffix}")
    mine, its = model.optimizer.optimizer, loaded.optimizer.optimizer
    assert type(its) is type(mine)
    assert its.state_dict()["param_groups"] == mine.state_dict()["param_groups"]
    assert loaded.optimizer.iterations == model.optimizer.iterations
    assert loaded.metrics_names == model.metrics_names
    assert_they_go_on_alike(loaded, model)


@suffixes
def test_groups_keep_their_weights_and_options(tmp_path, suffix):
    def make(params):
        first, *others = params
        groups = [{"params": others, "lr": 0.5}, {"params": [first], "momentum": 0.3}]
        return torch.optim.SGD(groups, lr=0.1)

    model = trained(make)
    model.save(tmp_path / f"model.{suffix}")
    loaded = load_model(tmp_path / f"model.{suffix}")
    assert [group["lr"] for group in loaded.optimizer.optimizer.param_groups] == [0.5, 0.1]
    assert_they_go_on_alike(loaded, model)


@suffixes
def test_two_optimizers_come_back(tmp_path, suffix):
    model = small()
    first, *others = model.parameters()
    both = [torch.optim.Adam([first]), torch.optim.SGD(others, lr=0.1, momentum=0.9)]
    model.compile(both, "mse")
    model.fit(X, ONE_HOT, **FIT)
    model.save(tmp_path / f"model.{suffix}")
    loaded = load_model(tmp_path / f"model.{suffix}")
    assert loaded.optimizer.kind == "Adam and SGD"
    assert_they_go_on_alike(loaded, model)


@suffixes
def test_what_a_factory_made_gets_weights_that_are_unfrozen_later(tmp_path, suffix):
    model = small()
    model.layers[0].trainable = False
    model.compile(partial(torch.optim.SGD, lr=0.1, momentum=0.9), "mse")
    model.fit(X, ONE_HOT, **FIT)
    model.save(tmp_path / f"model.{suffix}")
    loaded = load_model(tmp_path / f"model.{suffix}")
    for one in (model, loaded):
        one.layers[0].trainable = True
    assert_they_go_on_alike(loaded, model)
    assert len(loaded.optimizer.optimizer.param_groups) == 2


@suffixes
def test_a_scaled_loss_is_scaled_again(tmp_path, suffix):
    model = trained(lambda params: LossScaleOptimizer(torch.optim.Adam(params), 8.0, 4))
    model.save(tmp_path / f"model.{suffix}")
    loaded = load_model(tmp_path / f"model.{suffix}")
    assert loaded.optimizer.dynamic_scale == model.optimizer.dynamic_scale == 16.0
    assert loaded.optimizer.dynamic_growth_steps == 4
    assert_they_go_on_alike(loaded, model)


class Slow(torch.optim.SGD):
    """An optimizer of a user's own."""


@suffixes
def test_one_of_a_users_class_takes_up_its_state_when_it_is_given_again(tmp_path, suffix):
    model = trained(lambda params: Slow(params, lr=0.1, momentum=0.9))
    model.save(tmp_path / f"model.{suffix}")
    with pytest.warns(OnfitWarning, match=r"Slow.*takes up the state") as told:
        loaded = load_model(tmp_path / f"model.{suffix}")
    assert len(told) == 1
    assert loaded.optimizer is None
    loaded.compile(Slow(loaded.parameters(), lr=0.1, momentum=0.9), "mse", metrics=["mae"])
    assert loaded.optimizer.iterations == model.optimizer.iterations
    assert_they_go_on_alike(copy.deepcopy(loaded), model)


def test_a_factory_of_a_users_class_takes_it_up_too_with_the_arguments_given(tmp_path):
    model = trained(lambda params: Slow(params, lr=0.1, momentum=0.9))
    model.save(tmp_path / "model.h5")
    with pytest.warns(OnfitWarning, match="takes up the state"):
        loaded = load_model(tmp_path / "model.h5")
    loaded.compile(partial(Slow, lr=0.03, momentum=0.9), "mse", metrics=["mae"])
    assert loaded.optimizer.learning_rate == 0.03
    model.optimizer.learning_rate = 0.03
    assert_they_go_on_alike(loaded, model)


@pytest.mark.parametrize("other", ["adam", partial(torch.optim.Adam, lr=0.1)])
def test_the_state_of_another_kind_is_left_out_and_said(tmp_path, other):
    trained(lambda params: Slow(params, lr=0.1)).save(tmp_path / "model.h5")
    with pytest.warns(OnfitWarning, match="takes up the state"):
        loaded = load_model(tmp_path / "model.h5")
    with pytest.warns(OnfitWarning, match=r"state of Slow in it is left out.*Adam"):
        loaded.compile(other, "mse")
    assert loaded.optimizer.iterations == 0


@suffixes
def test_one_of_a_users_class_is_made_again_by_custom_objects(tmp_path, suffix):
    model = trained(lambda params: Slow(params, lr=0.1, momentum=0.9))
    model.save(tmp_path / f"model.{suffix}")
    loaded = load_model(tmp_path / f"model.{suffix}", custom_objects={"Slow": Slow})
    assert type(loaded.optimizer.optimizer) is Slow
    assert_they_go_on_alike(loaded, model)


class Odd(torch.optim.SGD):
    """One whose state could only be pickled."""

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["odd"] = object()


def test_a_state_that_could_only_be_pickled_is_left_out_and_said(tmp_path):
    model = trained(lambda params: Odd(params, lr=0.1))
    with pytest.warns(OnfitWarning, match=r"state of Odd is not kept") as told:
        model.save(tmp_path / "model.keras")
    assert len(told) == 1
    loaded = load_model(tmp_path / "model.keras", custom_objects={"Odd": Odd})
    assert_identical(predictions(loaded), predictions(model))
    assert not loaded.optimizer.optimizer.state


def test_a_loss_without_a_name_is_said_and_the_state_kept(tmp_path):
    model = trained(torch.optim.Adam, loss=lambda y_true, y_pred: (y_true - y_pred) ** 2)
    with pytest.warns(OnfitWarning, match=r"no name.*state of the optimizer, and not the loss"):
        model.save(tmp_path / "model.keras")
    with pytest.warns(OnfitWarning, match="it has no loss"):
        loaded = load_model(tmp_path / "model.keras")
    loaded.compile(torch.optim.Adam, "mse")
    assert loaded.optimizer.iterations == model.optimizer.iterations


def test_weights_that_are_no_part_of_the_model_are_said(tmp_path):
    elsewhere = torch.nn.Parameter(torch.ones(2))
    model = trained(lambda params: torch.optim.SGD([*params, elsewhere], lr=0.1))
    with pytest.warns(OnfitWarning, match=r"SGD trains weights that are no part of the model"):
        model.save(tmp_path / "model.keras")


def test_without_the_optimizer_there_is_no_state(tmp_path):
    model = trained(torch.optim.Adam)
    model.save(tmp_path / "model.keras", include_optimizer=False)
    assert load_model(tmp_path / "model.keras").optimizer is None
    model.save(tmp_path / "whole.keras")
    assert load_model(tmp_path / "whole.keras", compile=False).optimizer is None


@tolerant_of_keras
@suffixes
def test_keras_passes_over_it(tmp_path, suffix):
    model = trained(torch.optim.Adam)
    model.save(tmp_path / f"model.{suffix}")
    opened = keras.models.load_model(tmp_path / f"model.{suffix}")
    np.testing.assert_allclose(opened.predict(X, verbose=0), predictions(model), rtol=1e-5)
    if suffix == "keras":  # weights alone, out of the whole model
        opened.load_weights(tmp_path / f"model.{suffix}")


def test_a_checkpoint_in_the_background_has_the_state_of_its_epoch(tmp_path):
    model = small()
    model.compile(torch.optim.Adam, "mse", metrics=["mae"])
    kept = ModelCheckpoint(tmp_path / "{epoch}.keras", background=True)
    model.fit(X, ONE_HOT, epochs=2, callbacks=[kept], **FIT)
    first, last = (load_model(tmp_path / f"{epoch}.keras") for epoch in (1, 2))
    torch.manual_seed(1)
    assert last.optimizer.iterations == 2 * first.optimizer.iterations
    steps = [one.optimizer.optimizer.state_dict()["state"][0]["step"] for one in (first, last)]
    assert steps[1] == 2 * steps[0]


def test_a_model_that_only_code_makes_saves_its_weights_alone(tmp_path):
    net = torch.nn.Linear(4, 3)
    model = Model(net)
    model.compile(torch.optim.Adam, "mse")
    model.fit(X, ONE_HOT, **FIT)
    model.save(tmp_path / "best.h5")
    other = Model(torch.nn.Linear(4, 3))
    other.load_weights(tmp_path / "best.h5")
    assert_identical(other.get_weights(), model.get_weights())


def test_a_new_model_has_no_state_waiting():
    model = Sequential([layers.Dense(1, input_dim=2)])
    model.compile(SGD(), "mse")
    assert model.state_for_optimizer is None
