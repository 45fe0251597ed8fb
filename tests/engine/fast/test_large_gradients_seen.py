"""Large gradients that are seen are not written over by those of the next step."""

from typing import Any

import pytest
import torch
from tests.engine.model.test_observed_gradients import X, Y, grads_of, made, net

from onfit.callbacks import LambdaCallback
from onfit.engine.fast import large_gradients


def test_large_gradients_that_are_kept_stay_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_gradients, "LARGE", 0)
    model = made(net)
    test = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(grads_of(model)[0]))
    seen: list[Any] = []
    end = model.observe_gradients()
    torch.manual_seed(0)
    model.fit(X[:1], Y[:1], epochs=5, verbose=0, callbacks=[test])
    end()
    assert len({grad.data_ptr() for grad in seen}) == 5
