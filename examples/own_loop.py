"""The same callbacks in a training loop of your own, written in plain torch."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from onfit import Run
from onfit.callbacks import (
    EarlyStopping,
    History,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
)

digits = load_digits()
images = torch.tensor(digits.data / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
train = TensorDataset(images[:1400], labels[:1400])
loader = DataLoader(train, batch_size=64, shuffle=True)

net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
loss_of = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)

history = History()
callbacks = [
    history,
    ProgbarLogger(),
    ReduceLROnPlateau(monitor="val_loss", factor=0.3, patience=2, verbose=1),
    EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True, verbose=1),
    ModelCheckpoint("runs/own_loop/best.h5", save_best_only=True, save_weights_only=True),
]

params = {"samples": len(train)}  # so that the bar knows how long an epoch is
with Run(net, callbacks, optimizer=optimizer, epochs=40, params=params) as run:
    for _ in run.epochs():
        net.train()
        for x, y in run.batches(loader):
            loss = loss_of(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(loss=loss)  # the epoch gets the mean over its samples
        net.eval()
        with torch.no_grad():
            output = net(images[1400:])
            run.log(  # outside of a batch: of this epoch
                val_loss=loss_of(output, labels[1400:]),
                val_acc=(output.argmax(1) == labels[1400:]).float().mean(),
            )

print(f"{run.outcome} after {len(history.epoch)} epochs")
print(f"best val_acc: {max(history.history['val_acc']):.3f}")
