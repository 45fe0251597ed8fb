"""Which steps of a sequence count: masks, and the layer that makes them of values."""
