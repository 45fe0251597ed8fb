"""Three callbacks made of functions: a progress print, a JSON log, a clean-up of processes."""

import json
import multiprocessing
import time
from pathlib import Path

import numpy as np

import onfit as keras

LOG = Path("runs/lambda_trio/losses.jsonl")


def main() -> None:
    # Stand-ins for whatever has to run beside the training: loaders, a simulator, a server.
    context = multiprocessing.get_context("spawn")
    helpers = [context.Process(target=time.sleep, args=(3600,), daemon=True) for _ in range(2)]
    for helper in helpers:
        helper.start()

    LOG.parent.mkdir(parents=True, exist_ok=True)
    log = LOG.open("w", buffering=1)  # a line is in the file as soon as it is written

    print_batches = keras.callbacks.LambdaCallback(
        on_batch_begin=lambda batch, logs: print(f"batch {batch}: {logs['size']} samples")
    )
    log_losses = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: log.write(
            json.dumps({"epoch": epoch, "loss": logs["loss"]}) + "\n"
        ),
        on_train_end=lambda logs: log.close(),
    )
    clean_up = keras.callbacks.LambdaCallback(
        on_train_end=lambda logs: [helper.terminate() for helper in helpers if helper.is_alive()]
    )

    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 4))
    model = keras.Sequential([keras.layers.Dense(1, input_dim=4)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(
        x,
        x.sum(axis=1),
        batch_size=40,
        epochs=3,
        verbose=0,
        callbacks=[print_batches, log_losses, clean_up],
    )

    for helper in helpers:
        helper.join()
    print(LOG.read_text(), end="")
    print(f"helpers still alive: {sum(helper.is_alive() for helper in helpers)}")


if __name__ == "__main__":
    main()
