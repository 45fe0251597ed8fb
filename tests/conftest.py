"""What every test relies on."""

import os

# Keras reads it once, when first imported: the twin tests run it on the framework that is there.
os.environ["KERAS_BACKEND"] = "torch"
# Nets this small are slower on several threads, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")
