"""The loops that onfit has itself: they all do what the recorded sequence asks for."""

import torch
from tests.golden.golden import (
    EPOCHS,
    VAL_LOSS,
    Golden,
    batches,
    net,
    same,
    sgd,
    train_on,
    weights_by_hand,
    weights_of,
)

from onfit import Model, Run, Session
from onfit.callbacks import Callback, CallbackList


class Recorded(Callback):
    """Puts the recorded value into the logs of a `fit` that does not validate."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = VAL_LOSS[epoch]


def check(golden, module):
    golden.check(weights_of(module))
    assert same(weights_of(module), weights_by_hand())


def test_fit(tmp_path):
    golden, module = Golden(tmp_path), net()
    model = Model(module)
    model.compile(optimizer=sgd(module), loss=torch.nn.MSELoss())
    x, y = (torch.cat(parts) for parts in zip(*batches(), strict=True))
    callbacks = [Recorded(), *golden.callbacks]
    model.fit(x, y, batch_size=4, epochs=EPOCHS, verbose=0, shuffle=False, callbacks=callbacks)
    check(golden, module)


def test_a_run(tmp_path):
    golden, module = Golden(tmp_path), net()
    optimizer = sgd(module)
    with Run(module, golden.callbacks, optimizer=optimizer, epochs=EPOCHS) as run:
        for epoch in run.epochs():
            for x, y in run.batches(batches()):
                run.log(loss=train_on(module, optimizer, x, y))
            for _ in run.validation(["a batch"]):
                run.log(loss=VAL_LOSS[epoch])
    check(golden, module)


def test_a_session_that_is_pushed(tmp_path):
    golden, module = Golden(tmp_path), net()
    optimizer = sgd(module)
    session = Session(module, golden.callbacks, optimizer=optimizer, epochs=EPOCHS)
    session.train_begin()
    for epoch in range(EPOCHS):
        session.epoch_begin()
        for x, y in batches():
            session.batch_end(size=len(x), loss=train_on(module, optimizer, x, y))
        session.validated(loss=VAL_LOSS[epoch])
        if session.epoch_end():
            break
    session.train_end()
    check(golden, module)


def test_a_list_of_callbacks_by_hand(tmp_path):
    golden, module = Golden(tmp_path), net()
    module.optimizer = sgd(module)
    callbacks = CallbackList(golden.callbacks, model=module, epochs=EPOCHS)
    callbacks.on_train_begin()
    for epoch in range(EPOCHS):
        callbacks.on_epoch_begin(epoch)
        for index, (x, y) in enumerate(batches()):
            loss = train_on(module, module.optimizer, x, y)
            callbacks.on_train_batch_end(index, {"loss": loss, "size": len(x)})
        callbacks.on_epoch_end(epoch, {"val_loss": VAL_LOSS[epoch]})
        if module.stop_training:
            break
    callbacks.on_train_end()
    check(golden, module)


def test_a_run_of_steps(tmp_path):
    golden, module = Golden(tmp_path, at="validations"), net()
    optimizer = sgd(module)
    with Run(module, golden.callbacks, optimizer=optimizer) as run:
        for x, y in run.steps(batches(), until=2 * EPOCHS, validate_every="2 steps"):
            run.log(loss=train_on(module, optimizer, x, y))
            if run.validation_due:
                for _ in run.validation(["a batch"]):
                    run.log(loss=VAL_LOSS[run.progress.step // 2])
    check(golden, module)
