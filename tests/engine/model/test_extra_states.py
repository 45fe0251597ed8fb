"""What a torch module keeps beside its weights: `get_extra_state` and `set_extra_state`."""

import numpy as np
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


# --- in files ---------------------------------------------------------------------------------


class Outer(nn.Module):
    """A net with such a module inside."""

    def __init__(self, kept=None):
        super().__init__()
        self.first, self.counting = nn.Linear(2, 2), Counting(kept)

    def forward(self, x):
        return self.counting(self.first(x))


KEPT = {"names": ["a", "b"], "best": 0.25, "rows": torch.arange(3), "none": None}


@pytest.mark.parametrize("suffix", ["pt", "safetensors", "weights.h5", "h5"])
@pytest.mark.parametrize("make", [Counting, Outer])
def test_a_file_of_weights_has_the_extra_state(tmp_path, make, suffix):
    net, other = make(KEPT), make()
    compiled(net).fit(X, Y, batch_size=4, epochs=2, verbose=0)
    path = tmp_path / f"net.{suffix}"
    onfit.Model(net).save_weights(path)
    onfit.Model(other).load_weights(path)
    mine, its = (getattr(one, "counting", one) for one in (net, other))
    assert its.calls == mine.calls == 4
    assert its.kept["names"] == KEPT["names"]
    assert torch.equal(its.kept["rows"], KEPT["rows"])


def test_a_state_dict_has_it_under_torchs_names_both_ways(tmp_path):
    net, other, third = Outer(KEPT), Outer(), Outer()
    net.counting.calls += 3
    onfit.Model(net).save_weights(tmp_path / "ours.pt")
    other.load_state_dict(torch.load(tmp_path / "ours.pt", weights_only=True))
    torch.save(net.state_dict(), tmp_path / "torchs.pt")
    onfit.Model(third).load_weights(tmp_path / "torchs.pt")
    assert other.counting.calls == third.counting.calls == 3


def test_what_a_state_dict_could_only_pickle_is_left_out_and_said(tmp_path):
    net = Outer({"rows": np.arange(3)})
    with pytest.warns(OnfitWarning, match=r"module 'counting' has arrays of numpy"):
        onfit.Model(net).save_weights(tmp_path / "net.pt")
    onfit.Model(Outer()).load_weights(tmp_path / "net.pt")
    onfit.Model(net).save_weights(tmp_path / "net.safetensors")
    other = Outer()
    onfit.Model(other).load_weights(tmp_path / "net.safetensors")
    assert other.counting.kept["rows"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_whole_model_has_it_too(tmp_path, suffix):
    class Counted(onfit.layers.Dense):
        calls = 0

        def call(self, x):
            self.calls += 1
            return super().call(x)

        def get_extra_state(self):
            return {"calls": self.calls}

        def set_extra_state(self, state):
            self.calls = state["calls"]

    model = onfit.Sequential([Counted(1, input_dim=2, name="counted")])
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=3, verbose=0)
    count = model.layers[0].calls
    model.save(tmp_path / f"model.{suffix}")
    loaded = onfit.models.load_model(
        tmp_path / f"model.{suffix}", custom_objects={"Counted": Counted}
    )
    assert loaded.layers[0].calls == count
