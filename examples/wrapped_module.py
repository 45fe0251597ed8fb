"""Any torch module, with torch's own optimizer and loss, behind `fit`."""

import torch
from sklearn.datasets import load_digits
from torch import nn

from onfit import Model
from onfit.callbacks import EarlyStopping

digits = load_digits()
images = (digits.images / 16)[:, None]  # torch wants (batch, channels, height, width)

net = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * 4 * 4, 10),  # no softmax: CrossEntropyLoss takes what comes before it
)

model = Model(net)
model.compile(
    optimizer=torch.optim.AdamW(net.parameters(), lr=0.01),
    loss=nn.CrossEntropyLoss(),
    metrics=["acc"],
)
model.fit(
    images[:1500],
    digits.target[:1500],
    epochs=10,
    validation_split=0.2,
    callbacks=[EarlyStopping(monitor="val_acc", patience=3, restore_best_weights=True)],
)

_, accuracy = model.evaluate(images[1500:], digits.target[1500:], verbose=0)
print(f"test accuracy: {accuracy:.3f}")

# The net is still the net, and its state_dict has the names it always had.
print(", ".join(net.state_dict()))
