"""The types of `onfit.datasets`, under its second name."""

from onfit.keras.datasets import fashion_mnist as fashion_mnist
from onfit.keras.datasets import mnist as mnist
