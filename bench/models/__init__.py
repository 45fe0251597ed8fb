"""The nets of the workloads, built for torch and for libraries with Keras' names."""
