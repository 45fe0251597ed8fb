"""Checkpoints that earlier versions wrote go on."""

import contextlib
import copy

import numpy as np
import torch
from torch import nn

from onfit import Model, Run
from onfit.callbacks import BackupAndRestore, CSVLogger, EarlyStopping, TensorBoard
from onfit.core.state import restore_run, run_state

X = np.random.RandomState(0).rand(8, 3).astype("float32")
Y = X.sum(1, keepdims=True)


def trained():
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    model = Model(net)
    model.compile(torch.optim.Adam(net.parameters(), lr=0.1), nn.MSELoss())
    model.fit(X, Y, verbose=0)
    return model


def test_the_state_of_one_torch_optimizer_may_stand_there_by_itself():
    model, twin = trained(), trained()
    state = copy.deepcopy(model.state_for_resume())
    (state["optimizer"]["torch"],) = state["optimizer"]["torch"]
    twin.fit(X, Y, verbose=0)
    twin.load_state_for_resume(state)
    for each in (model, twin):
        each.fit(X, Y, verbose=0, shuffle=False)
    assert all(map(np.array_equal, model.get_weights(), twin.get_weights()))


def test_a_torch_optimizer_that_was_never_made_has_no_state():
    model = trained()
    state = model.state_for_resume()
    state["optimizer"]["torch"] = None
    model.load_state_for_resume(state)


def test_a_csv_logger_may_not_know_its_last_line(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    state = logger.state_dict()
    del state["last"]
    logger.load_state_dict(state)


def test_a_stop_may_have_the_number_of_its_callback():
    run = Run(trained(), [EarlyStopping("loss")], params={"verbose": 0})
    run.introduce()
    state = run_state(run)
    state["stop"] = {"by": "EarlyStopping/0", "why": "enough"}
    del state["walk"]["left"]
    restore_run(run, state)
    assert (run.stopped_by, run.stop_reason, run.stopped.means) == (
        "EarlyStopping",
        "enough",
        "end",
    )


def test_a_backup_of_a_run_that_left_its_batches_by_break_leaves_them_again(tmp_path):
    def train(fail_at=None):
        seen = []
        net = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        backup = BackupAndRestore(tmp_path / "backup", save_freq="batch", verbose=0)
        with Run(net, [backup], optimizer=optimizer, params={"verbose": 0}) as run:
            for _ in run.epochs():
                for index, batch in enumerate(run.batches(torch.ones(8, 2, 3))):
                    loss = net(batch).mean()
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    run.log(loss=loss)
                    seen.append(index)
                    if index == 4:
                        break
                run.log(other=1.0)
                if fail_at is not None:
                    raise MemoryError
        return seen, run.progress.step

    with contextlib.suppress(MemoryError):
        train(fail_at=0)
    assert train() == ([], 5)


def test_tensorboard_may_not_know_its_series(tmp_path):
    board = TensorBoard(tmp_path / "logs")
    state = board.state_dict()
    del state["series"]
    board.load_state_dict(state)
    assert board.state_dict()["series"]["settled"]
