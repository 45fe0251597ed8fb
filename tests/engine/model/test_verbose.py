"""What `verbose` shows: outside of a training, inside its hooks, with interactive logging off."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from onfit import keras, utils
from onfit.callbacks import Callback, LambdaCallback, ProgbarLogger
from onfit.core import Run
from onfit.layers import Dense, Input
from onfit.models import Model, Sequential

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def stack() -> Sequential:
    return Sequential([Dense(1, input_dim=3)])


def functional() -> Model:
    x = Input((3,))
    return Model(x, Dense(1)(x))


def of_a_net() -> Model:
    return Model(nn.Linear(3, 1))


class Subclass(Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = Dense(1)

    def call(self, x: torch.Tensor) -> Any:
        return self.dense(x)


def compiled(model: Model) -> Model:
    model.compile("sgd", "mse")
    return model


FORMS = [stack, functional, of_a_net, Subclass]
HOOKS = ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end", "on_train_end"]


def looking(hook: str, look: Any) -> Callback:
    return LambdaCallback(**{hook: lambda *args: look()})


def fit_quietly(model: Model, *callbacks: Callback) -> None:
    model.fit(X, Y, epochs=2, verbose=0, callbacks=list(callbacks))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("hook", HOOKS)
def test_evaluate_and_predict_in_a_hook_of_the_models_training_are_silent(form, hook, capsys):
    model = compiled(form())

    def look() -> None:
        model.evaluate(X, Y)
        model.predict(X)

    fit_quietly(model, looking(hook, look))
    assert capsys.readouterr().out == ""


def test_in_a_hook_verbose_shows_what_it_asks_for(capsys):
    model = compiled(stack())
    fit_quietly(model, looking("on_epoch_end", lambda: model.predict(X, verbose=1)))
    assert capsys.readouterr().out.count("8/8 [====") == 2


def test_a_part_of_the_model_is_silent_in_a_hook_too(capsys):
    inner = stack()
    model = compiled(Sequential([inner, Dense(1)]))
    fit_quietly(model, looking("on_epoch_end", lambda: inner.predict(X)))
    assert capsys.readouterr().out == ""


def test_another_model_shows_its_bar_in_a_hook(capsys):
    other = compiled(stack())
    fit_quietly(compiled(stack()), looking("on_train_end", lambda: other.predict(X)))
    assert capsys.readouterr().out.count("8/8 [====") == 1


@pytest.mark.parametrize("form", FORMS)
def test_after_a_training_the_bar_is_back(form, capsys):
    model = compiled(form())
    fit_quietly(model)
    model.predict(X)
    model.evaluate(X, Y)
    assert capsys.readouterr().out.count("8/8 [====") == 2


def test_after_a_training_that_failed_the_bar_is_back(capsys):
    model = compiled(stack())
    with pytest.raises(ZeroDivisionError):
        fit_quietly(model, looking("on_epoch_end", lambda: 1 // 0))
    model.predict(X)
    assert capsys.readouterr().out.count("8/8 [====") == 1


def test_a_training_inside_of_a_training_ends_only_its_own_silence(capsys):
    model = compiled(stack())

    def look() -> None:
        model.fit(X, Y, verbose=0)
        model.predict(X)

    fit_quietly(model, looking("on_epoch_end", look))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("form", [stack, functional, of_a_net])
def test_a_copy_made_in_a_hook_is_not_in_training(form, capsys):
    model, copies = compiled(form()), []
    fit_quietly(model, looking("on_train_end", lambda: copies.append(copy.deepcopy(model))))
    copies[0].predict(X)
    assert capsys.readouterr().out.count("8/8 [====") == 1


# --- interactive logging -------------------------------------------------------------------------


@pytest.fixture
def not_interactive() -> Iterator[None]:
    utils.disable_interactive_logging()
    yield
    utils.enable_interactive_logging()


def test_interactive_logging_is_on_until_it_is_turned_off(not_interactive):
    assert not utils.is_interactive_logging_enabled()
    assert not keras.utils.is_interactive_logging_enabled()
    keras.utils.enable_interactive_logging()
    assert utils.is_interactive_logging_enabled()


@pytest.mark.usefixtures("not_interactive")
def test_without_interactive_logging_a_training_says_a_line_per_epoch(capsys):
    compiled(stack()).fit(X, Y, epochs=2)
    said = capsys.readouterr().out
    assert "[=" not in said
    assert said.count("- loss: ") == 2


@pytest.mark.usefixtures("not_interactive")
def test_without_interactive_logging_evaluate_and_predict_draw_no_bar(capsys):
    model = compiled(stack())
    model.evaluate(X, Y)
    model.predict(X)
    assert "[=" not in capsys.readouterr().out


@pytest.mark.usefixtures("not_interactive")
def test_without_interactive_logging_a_bar_is_drawn_where_it_is_asked_for(capsys):
    compiled(stack()).fit(X, Y, verbose=1)
    assert capsys.readouterr().out.count("8/8 [====") == 1


@pytest.mark.usefixtures("not_interactive")
def test_without_interactive_logging_hooks_are_as_silent_as_ever(capsys):
    model = compiled(stack())
    fit_quietly(model, looking("on_epoch_end", lambda: model.predict(X)))
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("not_interactive")
def test_a_loop_of_ones_own_may_say_auto_too(capsys):
    with Run(nn.Linear(1, 1), [ProgbarLogger("steps")], params={"verbose": "auto"}) as run:
        for _ in run.epochs():
            run.log(loss=1.0)
    assert "[=" not in capsys.readouterr().out
