"""What a torch module keeps beside its weights: `get_extra_state` and `set_extra_state`."""

import pytest
import torch
from torch import nn

import onfit
from onfit.callbacks import BackupAndRestore, Callback, EarlyStopping
from onfit.errors import OnfitWarning

X, Y = torch.ones(8, 2), torch.ones(8, 1)


class Counting(nn.Module):
    """A net that counts its calls in training, outside of its weights."""

    def __init__(self, kept=None):
        super().__init__()
        self.inner = nn.Linear(2, 1)
        self.calls, self.kept = torch.zeros(1), kept

    def forward(self, x):
        if self.training:
            self.calls += 1
        return self.inner(x)

    def get_extra_state(self):
        return {"calls": self.calls, "kept": self.kept}

    def set_extra_state(self, state):
        self.calls, self.kept = state["calls"], state["kept"]


def compiled(net):
    model = onfit.Model(net)
    model.compile("sgd", "mse")
    return model


class Stop(Callback):
    """Ends the program at the end of an epoch."""

    remembers = ()

    def __init__(self, at=None):
        self.at = at

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.at:
            raise KeyboardInterrupt


def test_a_run_goes_on_with_the_extra_state(tmp_path):
    def trained(net, *callbacks):
        compiled(net).fit(X, Y, batch_size=4, epochs=4, verbose=0, callbacks=callbacks)
        return net.calls

    def backup():
        return BackupAndRestore(tmp_path / "backup", verbose=0)

    with pytest.raises(KeyboardInterrupt):
        trained(Counting(), Stop(at=2), backup())
    assert torch.equal(trained(Counting(), Stop(), backup()), trained(Counting()))


def test_the_best_weights_come_back_with_their_extra_state():
    net = Counting()
    values = iter([1.0, 0.5, 0.75, 0.75])

    class Log(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["mine"] = next(values)

    stop = EarlyStopping("mine", mode="min", patience=2, restore_best_weights=True)
    straight = Counting()
    compiled(straight).fit(X, Y, batch_size=4, epochs=2, verbose=0)
    compiled(net).fit(X, Y, batch_size=4, epochs=9, verbose=0, callbacks=[Log(), stop])
    assert torch.equal(net.calls, straight.calls)


def test_what_could_only_be_pickled_is_left_out_and_said():
    model = compiled(Counting(kept=lambda: None))
    with pytest.warns(OnfitWarning, match=r"Counting.get_extra_state gives what is not kept"):
        assert model.extra_states() == {}
