"""MLflow's callback for Keras in onfit's trainings."""

import mlflow
import numpy as np
import pytest
import torch
from mlflow.keras import MlflowCallback

from onfit import Run, Sequential
from onfit.layers import Dense

X = np.ones((8, 3), np.float32)
Y = np.ones((8, 1), np.float32)

pytestmark = pytest.mark.filterwarnings("ignore")  # of MLflow's own


def recorded(tmp_path, train):
    """What MLflow has of a training: the metrics, with the step of each value, and the settings."""
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    with mlflow.start_run() as active:
        train()
    mlflow.flush_async_logging()
    client, run = mlflow.MlflowClient(), active.info.run_id
    data = client.get_run(run).data
    points = {name: client.get_metric_history(run, name) for name in data.metrics}
    steps = {name: [one.step for one in of_name] for name, of_name in points.items()}
    return steps, data.params, [file.path for file in client.list_artifacts(run)]


def test_mlflow_in_fit(tmp_path):
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(optimizer="sgd", loss="mse")
    arguments = {"epochs": 2, "batch_size": 4, "verbose": 0, "validation_data": (X, Y)}
    metrics, settings, files = recorded(
        tmp_path, lambda: model.fit(X, Y, callbacks=[MlflowCallback()], **arguments)
    )
    assert metrics["loss"] == metrics["val_loss"] == [0, 1]
    assert (settings["optimizer_name"], settings["optimizer_learning_rate"]) == ("sgd", "0.01")
    assert files == ["model_summary.txt"]


def test_mlflow_in_a_loop_of_ones_own(tmp_path):
    def train():
        net = torch.nn.Linear(3, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        every = MlflowCallback(log_every_epoch=False, log_every_n_steps=2)
        with Run(net, every, optimizer=optimizer, epochs=2, params={"verbose": 0}) as run:
            for _ in run.epochs():
                for batch in run.batches(torch.tensor(X).split(4)):
                    run.log(loss=net(batch).mean())

    metrics, settings, _ = recorded(tmp_path, train)
    assert metrics["loss"] == [2, 4]
    assert settings == {"optimizer_name": "SGD"}
