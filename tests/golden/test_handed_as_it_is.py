"""A callback that is handed as it is to a trainer that takes only its own says what to write."""

from importlib import import_module

import gymnasium
import lightgbm
import lightning
import numpy as np
import pytest
import skorch
import stable_baselines3
import torch
import transformers
import xgboost
from tests.golden.installed import ALL

from onfit.callbacks import EarlyStopping
from onfit.errors import ArgumentTypeError

pytestmark = pytest.mark.filterwarnings("ignore")


def by_lightning():
    lightning.Trainer(callbacks=[EarlyStopping()], logger=False).fit(lightning.LightningModule())


def by_lightning_alone():
    lightning.Trainer(callbacks=EarlyStopping(), logger=False)


def by_transformers_later():
    settings = transformers.TrainingArguments("here", report_to=[], use_cpu=True)
    transformers.Trainer(torch.nn.Linear(1, 1), settings).add_callback(EarlyStopping())


def by_transformers():
    settings = transformers.TrainingArguments("here", report_to=[], use_cpu=True)
    transformers.Trainer(torch.nn.Linear(1, 1), settings, callbacks=[EarlyStopping()])


def by_xgboost():
    data = xgboost.DMatrix(np.ones((2, 1)), [0, 1])
    xgboost.train({}, data, 1, callbacks=[EarlyStopping()])


def by_lightgbm():
    data = lightgbm.Dataset(np.ones((2, 1)), [0, 1])
    lightgbm.train({"verbose": -1}, data, 1, callbacks=[EarlyStopping()])


def by_fastai():
    from fastai.data.core import DataLoaders  # which warns when it is imported
    from fastai.learner import Learner

    data = torch.utils.data.DataLoader([0])
    Learner(DataLoaders(data, data), torch.nn.Linear(1, 1), loss_func=print, cbs=[EarlyStopping()])


def by_skorch():
    net = skorch.NeuralNetRegressor(torch.nn.Linear(1, 1), callbacks=[EarlyStopping()])
    net.fit(np.ones((2, 1), "f"), np.ones((2, 1), "f"))


def by_stable_baselines3():
    game = gymnasium.make("CartPole-v1")
    stable_baselines3.DQN("MlpPolicy", game).learn(2, callback=[EarlyStopping()])


def by_stable_baselines3_alone():
    game = gymnasium.make("CartPole-v1")
    stable_baselines3.DQN("MlpPolicy", game).learn(2, callback=EarlyStopping())


def by_ignite():
    from ignite.engine import Engine  # which warns when it is imported

    EarlyStopping().attach(Engine(print))


TRAINERS = [
    by_fastai,
    by_ignite,
    by_lightgbm,
    by_lightning,
    by_lightning_alone,
    by_skorch,
    by_stable_baselines3,
    by_stable_baselines3_alone,
    by_transformers,
    by_transformers_later,
    by_xgboost,
]


@pytest.mark.parametrize("train", TRAINERS)
def test_the_error_names_the_class_for_that_trainer(train):
    library = train.__name__.removeprefix("by_").removesuffix("_alone").removesuffix("_later")
    with pytest.raises((AttributeError, TypeError)) as caught:
        train()
    assert f"onfit.integrations.{library}.OnfitCallback([EarlyStopping(...)])" in str(caught.value)


@pytest.mark.parametrize("library", sorted(set(ALL) - {"gymnasium"}))
def test_a_misspelt_argument_of_the_class_is_named(library):
    kind = import_module(f"onfit.integrations.{library}").OnfitCallback
    text = r"OnfitCallback\(callback=...\): there is no such argument. Did you mean 'callbacks'"
    with pytest.raises(ArgumentTypeError, match=text):
        kind(callback=[EarlyStopping()])


def test_a_misspelt_argument_of_a_jax_model_is_named():
    from onfit.integrations.jax import JaxModel

    with pytest.raises(ArgumentTypeError, match=r"JaxModel\(rate=...\): there is no such argument"):
        JaxModel(get=dict, set=print, rate=0.1)
