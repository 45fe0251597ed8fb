"""Looking into a model: what its layers put out, its gradients, its graph, its summary."""
