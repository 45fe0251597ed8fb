"""Looking into a model: the outputs of its layers, its gradients, its graph, its summary."""
