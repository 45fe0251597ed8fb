"""Images in, classes out: what `fit` returns."""

from sklearn.datasets import load_digits

import onfit as keras

digits = load_digits()
train_images, test_images = digits.images[:1500] / 16, digits.images[1500:] / 16
train_labels, test_labels = digits.target[:1500], digits.target[1500:]

model = keras.Sequential(
    [
        keras.layers.Flatten(input_shape=(8, 8)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

train_his = model.fit(train_images, train_labels, epochs=5)
print(train_his.history)

# A list for each name, a value for each epoch; found by the short name too.
print("acc:", " ".join(f"{value:.3f}" for value in train_his.history["acc"]))

test_loss, test_acc = model.evaluate(test_images, test_labels, verbose=0)
print(f"test accuracy: {test_acc:.3f}")
