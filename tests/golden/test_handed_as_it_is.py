"""A callback that is handed as it is to a trainer that takes only its own says what to write."""

import gymnasium
import lightning
import numpy as np
import pytest
import skorch
import stable_baselines3
import torch
import transformers

from onfit.callbacks import EarlyStopping

pytestmark = pytest.mark.filterwarnings("ignore")


def by_lightning():
    lightning.Trainer(callbacks=[EarlyStopping()], logger=False).fit(lightning.LightningModule())


def by_transformers():
    settings = transformers.TrainingArguments("here", report_to=[], use_cpu=True)
    transformers.Trainer(torch.nn.Linear(1, 1), settings, callbacks=[EarlyStopping()])


def by_skorch():
    net = skorch.NeuralNetRegressor(torch.nn.Linear(1, 1), callbacks=[EarlyStopping()])
    net.fit(np.ones((2, 1), "f"), np.ones((2, 1), "f"))


def by_stable_baselines3():
    game = gymnasium.make("CartPole-v1")
    stable_baselines3.DQN("MlpPolicy", game).learn(2, callback=[EarlyStopping()])


def by_ignite():
    from ignite.engine import Engine  # which warns when it is imported

    EarlyStopping().attach(Engine(print))


@pytest.mark.parametrize(
    "train", [by_lightning, by_transformers, by_skorch, by_stable_baselines3, by_ignite]
)
def test_the_error_names_the_class_for_that_trainer(train):
    library = train.__name__.removeprefix("by_")
    with pytest.raises((AttributeError, TypeError)) as caught:
        train()
    assert f"onfit.integrations.{library}.OnfitCallback([EarlyStopping(...)])" in str(caught.value)
