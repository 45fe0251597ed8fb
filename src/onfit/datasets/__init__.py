"""Data to try things on, under the names Keras has for them.

Each is fetched from its publisher the first time it is asked for, checked, and kept in
`~/.onfit/datasets`, or in `$ONFIT_HOME/datasets` if that is set.

    from onfit.datasets import fashion_mnist
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
"""

from onfit.datasets import fashion_mnist, mnist

__all__ = ["fashion_mnist", "mnist"]
