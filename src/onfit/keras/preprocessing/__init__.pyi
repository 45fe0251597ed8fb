"""The types of `onfit.preprocessing`, under its second name."""

from onfit.keras.preprocessing import sequence as sequence
