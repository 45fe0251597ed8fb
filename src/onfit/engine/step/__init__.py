"""One batch: forward, loss, gradients, update, measure. Knows no hook."""
