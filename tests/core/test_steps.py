"""Runs without epochs: their hooks, their rows, where callbacks decide, how one goes on."""

import contextlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.core.loops import Diary

from onfit import Sequential
from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    History,
    LambdaCallback,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from onfit.core import Run, Session
from onfit.errors import ArgumentError, DataError, FileFormatError, NotReadyError, OnfitWarning
from onfit.layers import Dense

PACE = ("samples_per_second", "tokens_per_second")


def run_of(*callbacks, model=None, **more):
    return Run(model or SimpleNamespace(), list(callbacks), params={"verbose": 0}, **more)


def walk(run, batches, values=(), *, until, validate_every=None):
    """A loop whose loss is the batch, and whose validations give `values` one after the other."""
    values = iter(values)
    for batch in run.steps(batches, until=until, validate_every=validate_every):
        run.log(loss=batch[0])
        if run.validation_due:
            value = next(values, 0.0)
            for _ in run.validation([[1], [1]]):
                run.log(loss=value)


def rows(history):
    return {name: values for name, values in history.history.items() if name not in PACE}


def test_a_run_of_steps_calls_no_epoch_hook_and_walks_its_batches_again():
    diary = Diary()
    with run_of(diary) as run:
        walk(run, [[1.0], [2.0]], until="3 steps")
    names = [name for name in diary.names if not name.startswith("test")]
    assert names == [
        "train_begin",
        "train_batch_begin 0", "train_batch_end 0",
        "train_batch_begin 1", "train_batch_end 1",
        "train_batch_begin 0", "train_batch_end 0",
        "validation_end 3",
        "train_end",
    ]  # fmt: skip
    assert run.outcome == "completed"
    assert run.params["epochs"] is None


def test_a_row_ends_with_each_validation_and_its_means_begin_anew():
    history = History()
    with run_of(history) as run:
        walk(run, [[1.0], [2.0], [6.0]], [5.0, 4.0], until="4 steps", validate_every="2 steps")
    assert history.step == [2, 4]
    assert history.epoch == []
    assert rows(history) == {"loss": [1.5, 3.5], "val_loss": [5.0, 4.0]}


def test_callbacks_hear_of_a_validation_when_its_batch_is_over():
    told = []
    at_batch = LambdaCallback(on_batch_end=lambda batch, logs: told.append(("batch", batch)))
    at_batch.on_validation_end = lambda step, logs: told.append((step, logs["val_loss"]))
    with run_of(at_batch) as run:
        walk(run, [[1.0]] * 4, [0.5, 0.25], until=4, validate_every=2)
    assert told == [("batch", 0), ("batch", 1), (2, 0.5), ("batch", 2), ("batch", 3), (4, 0.25)]


def test_what_is_logged_after_the_validation_belongs_to_its_row():
    history = History()
    with run_of(history) as run:
        for _ in run.steps([[1.0]], until=2):
            if run.validation_due:
                for _ in run.validation([[1.0]]):
                    run.log(loss=2.0)
                run.log(val_f1=0.5)
    assert rows(history) == {"val_loss": [2.0], "val_f1": [0.5]}


def test_early_stopping_counts_validations():
    stop = EarlyStopping(patience=2)
    with run_of(stop) as run:
        walk(run, [[1.0]], [3.0, 1.0, 2.0, 2.0, 0.0], until="100 steps", validate_every="10 steps")
    assert (run.progress.step, stop.stopped_epoch, stop.best_epoch) == (40, 40, 20)
    assert run.stop_reason == "val_loss has not improved on 1.0 for 2 validations"


def test_the_rate_falls_and_the_best_model_is_saved_at_validations(tmp_path):
    torch.manual_seed(0)
    net = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    reduce = ReduceLROnPlateau(factor=0.5, patience=1)
    save = ModelCheckpoint(tmp_path / "{step}.pt", save_best_only=True, save_weights_only=True)
    history = History()
    with run_of(reduce, save, history, model=net, optimizer=optimizer) as run:
        walk(run, [[1.0]], [3.0, 4.0, 1.0], until="6 steps", validate_every="2 steps")
    assert history.history["learning_rate"] == [1.0, 1.0, 0.5]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.pt", "6.pt"]


def test_the_end_is_a_decision_point_where_nothing_was_validated():
    history = History()
    with run_of(history) as run:
        for batch in run.steps([[2.0], [4.0]], until=2):
            run.log(loss=batch[0])
    assert (history.step, rows(history)) == ([2], {"loss": [3.0]})


def test_tokens_are_added_up_and_give_a_rate():
    history = History()
    with run_of(history) as run:
        for batch in run.steps([torch.ones(2, 8)], until="64 tokens", validate_every=2):
            run.log(loss=1.0, tokens=batch.numel())
    assert run.progress.step == 5  # the tokens of a batch are known when it is over
    assert history.history["tokens"] == [80]
    assert history.history["tokens_per_second"][0] > history.history["samples_per_second"][0] > 0


@pytest.mark.parametrize(("until", "steps"), [("6 samples", 3), ("1_0 steps", 10), (4, 4)])
def test_the_end_may_be_given_in_samples_or_steps(until, steps):
    with run_of() as run:
        assert sum(1 for _ in run.steps([[1, 2]], until=until)) == steps


@pytest.mark.parametrize("until", ["5 epochs", "many", 2.5, None, True, "0 steps"])
def test_an_end_that_is_none_is_an_error_at_once(until):
    with run_of() as run, pytest.raises(ArgumentError):
        run.steps([[1]], until=until)


def test_data_without_a_batch_are_an_error():
    with pytest.raises(DataError, match="no batch"), run_of() as run:
        list(run.steps([], until=3))


def test_an_iterator_ends_the_run_and_that_is_said():
    with run_of() as run, pytest.warns(OnfitWarning, match="ended after step 2"):
        assert len(list(run.steps(iter([[1], [2]]), until=5))) == 2


def test_a_session_takes_steps_that_are_pushed():
    history = History()
    session = Session(SimpleNamespace(), [history, EarlyStopping(patience=1)])
    session.train_begin()
    session.steps_begin()
    stops = []
    for value in (1.0, 2.0):
        session.batch_end(size=4, loss=value)
        stops.append(session.validated(loss=value))
    session.train_end()
    assert stops == [False, True]
    assert (history.step, rows(history)) == ([1, 2], {"loss": [1.0, 2.0], "val_loss": [1.0, 2.0]})


def test_what_acts_at_epochs_alone_is_named_where_events_are_pushed_too():
    class AtEpochs(Callback):
        def on_epoch_end(self, epoch, logs=None):
            """Never called."""

    session = Session(SimpleNamespace(), [AtEpochs(), History()])
    session.train_begin()
    with pytest.warns(OnfitWarning, match="AtEpochs acts at the begin or the end of epochs"):
        session.steps_begin()


def test_steps_begin_once_and_outside_of_epochs():
    session = Session(SimpleNamespace())
    with pytest.raises(NotReadyError, match="train_begin"):
        session.steps_begin()
    session.train_begin()
    session.epoch_begin()
    with pytest.raises(NotReadyError, match="epoch_end"):
        session.steps_begin()


def test_a_validation_within_an_epoch_decides_where_the_loop_says_so():
    stop = EarlyStopping(patience=1)
    with run_of(stop, epochs=3, decide_at="validations") as run:
        for _ in run.epochs():
            for index, _ in enumerate(run.batches([[1]] * 4)):
                if index % 2:
                    run.validated(loss=1.0 + run.progress.step)
    assert (run.progress.step, stop.stopped_epoch) == (4, 4)


def test_where_callbacks_decide_is_checked():
    with pytest.raises(ArgumentError, match="Did you mean 'validations'"):
        run_of(decide_at="validation")


class KilledError(Exception):
    pass


def trained(folder, die_at=None, *, hook="on_train_batch_end", save_freq="3 batches"):
    """Train a net by steps; if `die_at`, end it with an error in `hook` after that step."""
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    data = torch.utils.data.TensorDataset(torch.randn(20, 2), torch.randn(20, 1))
    loader = torch.utils.data.DataLoader(data, batch_size=3, shuffle=True)
    history, stop = History(), EarlyStopping(patience=50, restore_best_weights=True)
    backup = BackupAndRestore(folder, save_freq=save_freq, verbose=0, delete_checkpoint=False)

    def die(callback, *args):
        if callback.run.progress.step == die_at:
            raise KilledError

    at = LambdaCallback()
    setattr(at, hook, lambda *args: die(at, *args))
    with run_of(history, stop, at, backup, model=net, optimizer=optimizer) as run:
        for x, y in run.steps(loader, until="16 steps", validate_every="4 steps"):
            loss = torch.nn.functional.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(loss=loss, tokens=3)
            if run.validation_due:
                for held_x, held_y in run.validation([data.tensors]):
                    run.log(loss=torch.nn.functional.mse_loss(net(held_x), held_y).detach())
    return net.state_dict(), history.step, rows(history), stop.best, stop.best_epoch


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_validation_end", "on_test_end"])
@pytest.mark.parametrize("die_at", [1, 8, 11, 16])
@pytest.mark.parametrize("save_freq", ["batch", "3 batches", "epoch"])
def test_a_run_of_steps_that_died_goes_on_as_if_nothing_had_happened(
    tmp_path, hook, die_at, save_freq
):
    expected = trained(tmp_path / "whole", save_freq=save_freq)
    with contextlib.suppress(KilledError):
        trained(tmp_path / "killed", die_at, hook=hook, save_freq=save_freq)
    found = trained(tmp_path / "killed", save_freq=save_freq)
    assert all(torch.equal(found[0][name], expected[0][name]) for name in expected[0])
    assert found[1:] == expected[1:]


def test_a_run_of_steps_says_the_step_from_which_it_goes_on(tmp_path, capsys):
    for until in (2, 5):
        net = torch.nn.Linear(1, 1)
        backup = BackupAndRestore(tmp_path, "batch", delete_checkpoint=False)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        with run_of(backup, model=net, optimizer=optimizer) as run:
            list(run.steps([[1.0], [2.0], [3.0]], until=until))
    assert "Resuming from step 2." in capsys.readouterr().out


def backed_up(folder, net, **more):
    backup = BackupAndRestore(folder, "batch", delete_checkpoint=False, verbose=0)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    return run_of(backup, model=net, optimizer=optimizer, **more)


def test_a_checkpoint_of_epochs_is_not_gone_on_with_by_steps(tmp_path):
    net = torch.nn.Linear(1, 1)
    with backed_up(tmp_path, net, epochs=2) as run:
        for _ in run.epochs():
            list(run.batches([[1.0]]))
    again = backed_up(tmp_path, net)
    with pytest.raises(FileFormatError, match="of a run of epochs"), again as run:
        list(run.steps([[1.0]], until=4))


def test_a_checkpoint_of_steps_is_not_gone_on_with_by_epochs(tmp_path):
    net = torch.nn.Linear(1, 1)
    with backed_up(tmp_path, net) as run:
        list(run.steps([[1.0]], until=2))
    again = backed_up(tmp_path, net)
    with pytest.raises(FileFormatError, match="of a run of steps"), again as run:
        list(run.epochs())


def test_callbacks_may_save_every_so_many_tokens(tmp_path):
    net = torch.nn.Linear(1, 1)
    saver = ModelCheckpoint(tmp_path / "{step}.pt", save_weights_only=True, save_freq="5 tokens")
    with run_of(saver, model=net) as run:
        for _ in run.steps([[1.0]], until=4):
            run.log(loss=1.0, tokens=3)
    assert {path.name for path in tmp_path.iterdir()} == {"2.pt", "4.pt"}


def test_tokens_in_a_run_of_epochs_are_an_error(tmp_path):
    net = torch.nn.Linear(1, 1)
    saver = ModelCheckpoint(tmp_path / "{step}.pt", save_weights_only=True, save_freq="5 tokens")
    again = run_of(saver, model=net)
    with pytest.raises(ArgumentError, match="this training counts none"), again as run:
        [list(run.batches([[1.0]])) for _ in run.epochs()]


@pytest.mark.parametrize("asked", [{"steps": "9 tokens"}, {"validation_freq": "9 tokens"}])
def test_fit_counts_no_tokens(asked):
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    with pytest.raises(ArgumentError, match=r"'9 tokens'.*: fit counts no tokens"):
        model.fit(np.ones((4, 1)), np.ones((4, 1)), validation_split=0.5, verbose=0, **asked)


@pytest.mark.parametrize("text", ["100 stps", "often"])
def test_a_misspelt_end_is_told_what_an_end_may_be(text):
    with (
        pytest.raises(ArgumentError, match=r"Say how many steps.*'10_000 steps'"),
        Run(SimpleNamespace(), []) as run,
    ):
        list(run.steps([[1.0]], until=text))
