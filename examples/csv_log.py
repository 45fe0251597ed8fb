"""A CSV file with a line for each epoch, and a second training that goes on in it."""

import csv

import numpy as np

from onfit import Sequential
from onfit.callbacks import CSVLogger
from onfit.layers import Dense

LOG = "runs/csv_log/log.csv"

rng = np.random.default_rng(0)
x = rng.normal(size=(200, 8))
y = (x.sum(axis=1) > 0).astype(int)

model = Sequential([Dense(16, activation="relu", input_dim=8), Dense(1, activation="sigmoid")])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["acc"])

model.fit(x, y, validation_split=0.2, epochs=5, verbose=0, callbacks=[CSVLogger(LOG)])

# Epochs are counted on, and their lines put below the first five.
go_on = CSVLogger(LOG, append=True)
model.fit(x, y, validation_split=0.2, initial_epoch=5, epochs=8, verbose=0, callbacks=[go_on])

with open(LOG, newline="") as file:
    rows = list(csv.DictReader(file))

print(", ".join(rows[0]))
for row in rows:
    print(row["epoch"], f"{float(row['loss']):.3f}", f"{float(row['val_acc']):.3f}")
