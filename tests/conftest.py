"""What every test relies on."""

import os

# Keras reads it once, when first imported: the twin tests run it on the framework that is there.
os.environ["KERAS_BACKEND"] = "torch"
# These tests are about the CPU, with whose numbers they compare; `make test-gpu` is about GPUs. No
# program that a test starts finds one, and neither onfit nor Keras goes to Apple's.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_TORCH_DEVICE"] = "cpu"
# Nets this small are slower on several threads, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")
