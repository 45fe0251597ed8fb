"""What every test relies on."""

import os

# Keras reads it once, when first imported: the twin tests run it on the framework that is there.
os.environ["KERAS_BACKEND"] = "torch"
