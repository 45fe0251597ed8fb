"""`onfit.datasets`, for tools that read code; Python itself gets that module."""

from onfit.keras.datasets import fashion_mnist as fashion_mnist
from onfit.keras.datasets import mnist as mnist
