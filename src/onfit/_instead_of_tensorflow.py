"""What TensorFlow has beside Keras, for scripts that `import onfit as tf`, and what to write."""

_TYPES = 'the type by its name, such as "float32", or torch\'s: torch.float32'
_MATRICES = "torch.linalg"

# Functions that ops has under the same name, and those that it has under another one.
_SAME = (
    "abs add argmax argmin broadcast_to cast cond convert_to_tensor cos divide einsum equal exp "
    "expand_dims eye floor greater greater_equal identity less less_equal linspace logical_and "
    "logical_not logical_or matmul maximum minimum multiply not_equal ones ones_like one_hot pad "
    "repeat reshape round shape sigmoid sign sin size sort split sqrt square squeeze stack "
    "subtract tanh tensordot tile transpose unstack where while_loop zeros zeros_like"
)
_RENAMED = {
    "boolean_mask": "x[mask]",
    "clip_by_value": "ops.clip",
    "concat": "ops.concatenate",
    "constant": "ops.convert_to_tensor",
    "gather": "ops.take",
    "map_fn": "ops.map",
    "newaxis": "None in the index, or numpy.newaxis",
    "norm": "ops.norm",
    "pow": "ops.power",
    "range": "ops.arange",
    "rank": "ops.ndim",
    "reduce_all": "ops.all",
    "reduce_any": "ops.any",
    "reduce_logsumexp": "ops.logsumexp",
    "reduce_max": "ops.max",
    "reduce_mean": "ops.mean",
    "reduce_min": "ops.min",
    "reduce_prod": "ops.prod",
    "reduce_std": "ops.std",
    "reduce_sum": "ops.sum",
    "reverse": "ops.flip",
    "stop_gradient": "ops.stop_gradient",
}
_OPS = {**{name: f"ops.{name}" for name in _SAME.split()}, **_RENAMED}

# Names of `tf` itself.
TENSORFLOW = {
    **_OPS,
    **dict.fromkeys(("bool", "float16", "float32", "float64", "int32", "int64", "string"), _TYPES),
    "GradientTape": "loss.backward() and optimizer.apply([w.grad for w in weights], weights), or "
    "torch.autograd.grad(loss, tensors)",
    "Module": "torch.nn.Module, or Layer",
    "Tensor": "torch.Tensor",
    "TensorShape": "a tuple: the shape of a tensor is one",
    "compat": "the name without compat: there are no sessions and no graphs to begin",
    "data": "arrays, a torch DataLoader or a generator: fit takes them",
    "distribute": "torchrun with the same script: fit shares its batches among the processes",
    "estimator": "Model(...).fit",
    "executing_eagerly": "True: all code runs as it is written",
    "feature_column": "numpy or pandas, before fit: a net takes numbers",
    "function": "the function without it: all code runs as it is written",
    "image": "torchvision.transforms.v2.functional",
    "io": "open(path), or numpy and PIL for what is in the file",
    "linalg": _MATRICES,
    "print": "print",
    "py_function": "the function itself: all code runs as it is written",
    "saved_model": "model.save(path) with a suffix, and load_model(path)",
    "signal": "torch.fft, or torchaudio",
    "strings": "str's own methods, before fit: a net takes numbers",
    "summary": "callbacks.TensorBoard, or torch.utils.tensorboard.SummaryWriter",
    "test": "pytest, and torch.cuda.is_available() for is_gpu_available",
    "train": "model.save_weights(path) and load_weights, or callbacks.BackupAndRestore",
}

MATH = {**_OPS, "l2_normalize": "ops.normalize", "log1p": "ops.log1p"}

RANDOM = {
    "Generator": "random.SeedGenerator",
    "get_global_generator": "random.SeedGenerator",
    "set_seed": "utils.set_random_seed(seed)",
    "stateless_normal": "random.normal",
    "stateless_uniform": "random.uniform",
}

# Names of `tf.nn`, where onfit has its activations.
NN = {
    "avg_pool2d": "layers.AveragePooling2D",
    "batch_normalization": "layers.BatchNormalization",
    "conv2d": "layers.Conv2D, or torch.nn.functional.conv2d",
    "dropout": "layers.Dropout",
    "embedding_lookup": "layers.Embedding",
    "l2_loss": "ops.sum(ops.square(x)) / 2",
    "l2_normalize": "ops.normalize",
    "max_pool2d": "layers.MaxPooling2D",
    "moments": "ops.moments",
    "sigmoid_cross_entropy_with_logits": "losses.BinaryCrossentropy(from_logits=True)",
    "softmax_cross_entropy_with_logits": "losses.CategoricalCrossentropy(from_logits=True)",
    "sparse_softmax_cross_entropy_with_logits": "losses.SparseCategoricalCrossentropy("
    "from_logits=True)",
    "top_k": "ops.top_k",
}
