"""Training torch modules: data in, one step at a time, weights out. Doors: `onfit.models`."""
