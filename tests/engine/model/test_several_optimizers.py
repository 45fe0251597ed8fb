"""A model whose own step uses optimizers beside the one of `compile`, as a GAN's does."""

import pytest
import torch

import onfit
from onfit import layers, optimizers
from onfit.callbacks import BackupAndRestore, Callback
from onfit.engine.step.other_optimizers import other_optimizers
from onfit.errors import FileFormatError

X = torch.linspace(0, 1, 24).reshape(12, 2)
Y = X.sum(1, keepdim=True)


class Killed(BaseException):
    """What takes the place of a kill."""


class KillAt(Callback):
    remembers = ()
    called_last = True

    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if self.run.progress.step == self.step:
            raise Killed


class Pair(onfit.Model):
    """Two layers, each with an optimizer of its own."""

    def __init__(self):
        super().__init__()
        self.one, self.two = layers.Dense(3), layers.Dense(1)

    def call(self, x):
        return self.two(self.one(x))

    def train_step(self, data):
        x, y = data
        loss = ((self(x) - y) ** 2).mean()
        parts = (self.one, self.first), (self.two, self.second)
        weights = [part.trainable_weights for part, _ in parts]
        grads = torch.autograd.grad(loss, [each for own in weights for each in own])
        for (_, optimizer), own in zip(parts, weights, strict=True):
            mine, grads = grads[: len(own)], grads[len(own) :]
            if isinstance(optimizer, torch.optim.Optimizer):
                for weight, grad in zip(own, mine, strict=True):
                    weight.grad = grad
                optimizer.step()
            else:
                optimizer.apply(mine, own)
        return {"loss": loss}


def made(kind="onfit"):
    torch.manual_seed(0)
    model = Pair()
    model(X)
    model.compile()
    if kind == "onfit":
        model.first, model.second = optimizers.Adam(0.01), optimizers.SGD(0.1, momentum=0.9)
    else:
        model.first = torch.optim.Adam(model.one.parameters(), 0.01)
        model.second = torch.optim.SGD(model.two.parameters(), 0.1, momentum=0.9)
    return model


def fit(model, folder=None, kill=None, extra=()):
    torch.manual_seed(7)
    backup = [BackupAndRestore(folder, save_freq="batch", verbose=0)] if folder else []
    callbacks = [*extra, *backup, *([KillAt(kill)] if kill else [])]
    model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=callbacks)
    return model


@pytest.mark.parametrize("kind", ["onfit", "torch"])
def test_each_optimizer_goes_on_from_a_checkpoint(kind, tmp_path):
    straight = fit(made(kind)).get_weights()
    with pytest.raises(Killed):
        fit(made(kind), tmp_path / "backup", kill=5)
    resumed = fit(made(kind), tmp_path / "backup").get_weights()
    assert all((a == b).all() for a, b in zip(straight, resumed, strict=True))


def test_another_kind_of_second_optimizer_is_an_error(tmp_path):
    with pytest.raises(Killed):
        fit(made(), tmp_path / "backup", kill=5)
    other = made()
    other.second = optimizers.Adam(0.1)
    with pytest.raises(FileFormatError, match="other optimizers"):
        fit(other, tmp_path / "backup")


@pytest.mark.parametrize("kind", ["onfit", "torch"])
def test_the_hook_before_a_step_is_called_for_each_optimizer(kind):
    seen = []

    class Watching(Callback):
        def on_before_optimizer_step(self, batch, logs=None):
            seen.append((batch, self.model.two.kernel.grad is not None))

    fit(made(kind), extra=[Watching()])
    assert [batch for batch, _ in seen] == [0, 0, 1, 1, 2, 2] * 3
    assert all(there for _, there in seen[1::2])


@pytest.mark.parametrize("kind", ["onfit", "torch"])
def test_at_the_end_of_a_batch_the_gradients_of_all_are_there(kind):
    seen = []

    class Looking(Callback):
        def on_train_batch_end(self, batch, logs=None):
            parts = (self.model.one, self.model.two)
            seen.append([part.kernel.grad is not None for part in parts])

    fit(made(kind), extra=[Looking()])
    assert seen == [[True, True]] * 9


def test_after_a_training_no_optimizer_is_watched():
    model = made("torch")

    class Watching(Callback):
        def on_before_optimizer_step(self, batch, logs=None):
            seen.append(batch)

    seen = []
    fit(model, extra=[Watching()])
    calls = len(seen)
    model.train_on_batch(X, Y)
    assert len(seen) == calls


def test_optimizers_in_lists_and_dicts_are_found_and_the_compiled_one_is_not():
    model = made()
    model.more = {"third": optimizers.SGD(0.1)}
    model.list_of_them = [optimizers.SGD(0.2), model.first]
    model.again = model.optimizer
    assert list(other_optimizers(model)) == ["first", "second", "more.third", "list_of_them.0"]


def test_weights_that_are_no_part_of_the_model_are_warned_of(tmp_path):
    model = made()
    elsewhere = torch.nn.Parameter(torch.ones(2))
    model.third = optimizers.SGD(0.1, momentum=0.9)
    model.third.apply([torch.ones(2)], [elsewhere])
    with pytest.warns(onfit.errors.OnfitWarning, match="no part of the model"):
        model.state_for_resume()


# --- steps within hooks ----------------------------------------------------------------------


class Steps(Callback):
    """Trains a model at the end of each batch, and lists the batches before whose step it was."""

    def __init__(self, model=None, nested="train_on_batch"):
        self.trained, self.nested = model, nested
        self.seen = []

    def on_before_optimizer_step(self, batch, logs=None):
        self.seen.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        model = self.model if self.trained is None else self.trained
        if self.nested == "fit":
            model.fit(X, Y, verbose=0)
        else:
            model.train_on_batch(X, Y)


@pytest.mark.parametrize("nested", ["train_on_batch", "fit"])
def test_a_step_within_a_hook_is_none_of_the_training(nested):
    model = onfit.Sequential([layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    callback = Steps(nested=nested)
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[callback])
    assert callback.seen == [0, 1, 2] * 2


def test_a_step_within_the_hook_before_a_step_does_not_call_it_again():
    class Twice(Steps):
        def on_before_optimizer_step(self, batch, logs=None):
            super().on_before_optimizer_step(batch, logs)
            self.model.train_on_batch(X, Y)

        def on_train_batch_end(self, batch, logs=None):
            """Nothing."""

    model = onfit.Sequential([layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    callback = Twice()
    model.fit(X, Y, batch_size=6, verbose=0, callbacks=[callback])
    assert callback.seen == [0, 1]


def test_a_loop_that_steps_within_a_hook_has_its_own_batches_alone():
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)

    class Again(Steps):
        def on_train_batch_end(self, batch, logs=None):
            optimizer.step()

    callback = Again()
    with onfit.Run(net, [callback], optimizer=optimizer, epochs=1) as run:
        for _ in run.epochs():
            for x, y in run.batches([(X, Y)] * 3):
                optimizer.zero_grad()
                loss = ((net(x) - y) ** 2).mean()
                loss.backward()
                optimizer.step()
                run.log(loss=loss)
    assert callback.seen == [0, 1, 2]
