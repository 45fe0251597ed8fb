"""The callback for Poutyne that the page on writing one's own has."""

import poutyne
from tests.golden.golden import (
    EPOCHS,
    VAL_LOSS,
    Golden,
    batches,
    net,
    same,
    sgd,
    weights_by_hand,
    weights_of,
)
from tests.golden.test_pages import ROOT, blocks


class Recorded(poutyne.Callback):
    def on_epoch_end(self, epoch_number, logs):
        logs["val_loss"] = VAL_LOSS[epoch_number - 1]


def test_the_recorded_sequence(tmp_path):
    names = {}
    exec(blocks(ROOT / "docs/write-your-own.md")[0], names)
    golden, module = Golden(tmp_path), net()
    model = poutyne.Model(module, sgd(module), "mse")
    callbacks = [Recorded(), names["OnfitCallback"](golden.callbacks)]
    model.fit_generator(batches(), epochs=EPOCHS, verbose=False, callbacks=callbacks)
    golden.check(weights_of(module))
    assert same(weights_of(module), weights_by_hand())
