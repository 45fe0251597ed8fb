"""What Keras has and onfit has not, room by room, and what to write instead.

A module says so where a name is asked for (`errors.refusal_of_names`); docs/from-keras.md lists it.
"""

from onfit._instead_of_tensorflow import MATH, NN, RANDOM, TENSORFLOW

_IMAGES = "torchvision.transforms.v2, in the Dataset of a DataLoader"
_NUMBERS = "numpy or pandas, before fit: a net takes numbers"
_CONV_LSTM = "a cell of your own, whose gates are convolutions, or a Layer with a loop over time"
_ATTENTION = "torch.nn.functional.scaled_dot_product_attention, in the call of a Layer"
_PLAIN = "get_config() and from_config() of the object or its class"
_INNER = "torch's own: tensors are torch.Tensor, and nothing records outside of Input"

# Layers that torch has, by its name for them.
_OF_TORCH = {
    **{f"Adaptive{kind}Pooling{n}D": f"Adaptive{short}Pool{n}d"
       for n in (1, 2, 3) for kind, short in (("Average", "Avg"), ("Max", "Max"))},
}  # fmt: skip

# Layers that Keras itself no longer has.
OF_KERAS_1_AND_2 = {
    "AtrousConvolution1D": "Conv1D with dilation_rate=",
    "AtrousConvolution2D": "Conv2D with dilation_rate=",
    "CuDNNGRU": "GRU, which is as quick on a GPU",
    "CuDNNLSTM": "LSTM, which is as quick on a GPU",
    "DenseFeatures": _NUMBERS,
    "Highway": "a Layer of your own: gate * h(x) + (1 - gate) * x",
    "LocallyConnected1D": "a Layer of your own, on tensor.unfold",
    "LocallyConnected2D": "a Layer of your own, on torch.nn.functional.unfold",
    "MaxoutDense": "Dense(k * units), Reshape((k, units)) and ops.max(x, axis=1)",
    "Merge": "concatenate, add and their like on symbols, in Model(inputs, outputs)",
    "TimeDistributedDense": "TimeDistributed(Dense(units))",
}

MODULES = {
    "applications": "Model(net) with a net of torchvision.models or timm, which have weights",
    "config": "backend.set_floatx, mixed_precision.set_global_policy, "
    "utils.disable_interactive_logging and the like",
    "distillation": "a train_step of your own, with the loss between two models",
    "distribution": "compile(distribution='fsdp'), or Model(DistributedDataParallel(net))",
    "export": "torch.export or torch.onnx, on the model or its net",
    "preprocessing.image": "a torch DataLoader with torchvision.transforms",
    "preprocessing.text": "a tokenizer of transformers, which makes numbers of text",
    "quantizers": "torch.ao.quantization",
    "tree": "torch.utils._pytree, or plain loops",
    "visualization": "matplotlib",
    "wrappers": "skorch.NeuralNetClassifier, which is scikit-learn's way of a torch net",
}

# Methods of Keras' layers and models that are not here.
OF_MODELS = {
    "export": MODULES["export"],
    "quantize": MODULES["quantizers"],
}

# Functions of Keras' ops that are not here.
_SPECTRA = "fft fft2 ifft2 irfft rfft istft stft"
_MATRICES = (
    "cdist cholesky_inverse eig eigh lstsq lu_factor matrix_rank pinv qr slogdet logdet "
    "solve_triangular svd jvp "
)
_BY_LAYERS = (
    "adaptive_average_pool adaptive_max_pool average_pool batch_normalization conv "
    "conv_transpose depthwise_conv dot_product_attention layer_normalization max_pool "
    "rms_normalization separable_conv "
)
_RARE = (
    "allclose angle argpartition array_split associative_scan bartlett bincount bitwise_and "
    "bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor "
    "blackman cbrt conj conjugate corrcoef correlate cross ctc_decode ctc_loss "
    "custom_gradient depth_to_space diagflat diff digitize dsplit dstack empty_like erfc "
    "extract_sequences fabs fliplr flipud fmax fmin fmod fold gcd geomspace hamming hanning "
    "hard_shrink heaviside histogram hsplit i0 imag in_top_k isin isneginf isposinf isreal "
    "kaiser kron lcm ldexp left_shift logaddexp2 logspace meshgrid nanargmax nanargmin "
    "nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile "
    "nanstd nansum nanvar nextafter nonzero percentile polar psnr ptp real rearrange "
    "right_shift rot90 saturate_cast scan scatter scatter_update searchsorted segment_max "
    "segment_min segment_prod segment_sum select signbit slice_update soft_shrink "
    "space_to_depth sparse_plus sparse_sigmoid sparsemax squareplus switch tanh_shrink "
    "threshold trapezoid tri unfold unique unravel_index vander vdot vectorize view "
    "view_as_complex view_as_real vsplit "
)

ROOMS: dict[str, dict[str, str]] = {
    "keras": {
        **MODULES,
        **dict.fromkeys(
            ("Function", "KerasTensor", "Operation", "StatelessScope", "SymbolicScope"), _INNER
        ),
        "FloatDTypePolicy": "DTypePolicy",
        "InputSpec": "a check of x.shape in the call of the layer",
        "Quantizer": MODULES["quantizers"],
        **dict.fromkeys(("RematScope", "remat"), "torch.utils.checkpoint.checkpoint"),
        "Variable": "backend.variable(value), or add_weight of a layer",
        "device": 'model.to("cuda")',
        "name_scope": "name= of the layers",
    },
    "layers": {
        **{
            name: f"TorchModule(torch.nn.{short}(...)), whose axes are in torch's order"
            for name, short in _OF_TORCH.items()
        },
        **dict.fromkeys(
            [
                "AugMix",
                "AutoContrast",
                "CenterCrop",
                "ContrastLimitedAdaptiveHistogramEqualization",
                "CutMix",
                "Equalization",
                "MaxNumBoundingBoxes",
                "MixUp",
                "RandAugment",
                "RandomBrightness",
                "RandomColorDegeneration",
                "RandomColorJitter",
                "RandomContrast",
                "RandomCrop",
                "RandomElasticTransform",
                "RandomErasing",
                "RandomFlip",
                "RandomGaussianBlur",
                "RandomGrayscale",
                "RandomHue",
                "RandomInvert",
                "RandomPerspective",
                "RandomPosterization",
                "RandomRotation",
                "RandomSaturation",
                "RandomSharpness",
                "RandomShear",
                "RandomTranslation",
                "RandomZoom",
                "Resizing",
                "Solarization",
            ],
            _IMAGES,
        ),
        **dict.fromkeys(
            [
                "CategoryEncoding",
                "Discretization",
                "HashedCrossing",
                "Hashing",
                "IntegerLookup",
                "Normalization",
                "StringLookup",
                "TextVectorization",
            ],
            _NUMBERS,
        ),
        **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _CONV_LSTM),
        "GroupQueryAttention": _ATTENTION,
        **dict.fromkeys(("MelSpectrogram", "STFTSpectrogram"), "torchaudio.transforms"),
        **dict.fromkeys(("FlaxLayer", "JaxLayer", "TFSMLayer"), "a net of torch"),
        "InputSpec": "a check of x.shape in the call of the layer",
        **OF_KERAS_1_AND_2,
        "Pipeline": "Sequential",
        "ReversibleEmbedding": "Embedding, and x @ its weight in the call of a Layer",
        "SpectralNormalization": "torch.nn.utils.parametrizations.spectral_norm",
        "TorchModuleWrapper": "TorchModule(net), or the net itself in a Sequential",
    },
    "losses": {
        **dict.fromkeys(("deserialize", "serialize"), _PLAIN),
    },
    "metrics": {
        "binary_focal_crossentropy": "losses.binary_focal_crossentropy",
        "categorical_focal_crossentropy": "losses.categorical_focal_crossentropy",
        **dict.fromkeys(("deserialize", "serialize"), _PLAIN),
    },
    "optimizers": {
        "Muon": "torch.optim.Muon, which compile takes; it moves matrices alone",
        "MultiOptimizer": "a torch optimizer with several groups",
        "OptimizerMap": "a torch optimizer with several groups",
        "ScheduleFreeAdamW": "schedulefree.AdamWScheduleFree, which compile takes",
    },
    "callbacks": {"OrbaxCheckpoint": "BackupAndRestore"},
    "initializers": dict.fromkeys(("STFT", "STFTInitializer", "stft"), "torch.stft, in a function"),
    "datasets": dict.fromkeys(
        ("boston_housing", "california_housing", "cifar10", "cifar100", "imdb", "reuters"),
        "torchvision.datasets, sklearn.datasets or the datasets library",
    ),
    "backend": {
        "gradients": "torch.autograd.grad(loss, tensors)",
        "learning_phase": "training=True in the call of a model or layer",
        "set_learning_phase": "training=True in the call of a model or layer",
        "placeholder": "layers.Input(shape)",
        "batch_get_value": "[get_value(x) for x in weights]",
        "batch_set_value": "a loop with set_value(x, value)",
        "update": "x.assign(value)",
        "is_sparse": "tensor.is_sparse",
        "rnn": "layers.LSTM and its like, or a loop over tensor.unbind(1)",
        "in_train_phase": "an argument training of the call of a layer",
        "backend": "torch: there is one backend",
        "get_uid": "a number of your own",
        "is_float_dtype": "tensor.is_floating_point()",
        "is_int_dtype": "not tensor.is_floating_point()",
        "is_keras_tensor": "isinstance(x, torch.Tensor)",
        "result_type": "torch.result_type",
        "set_epsilon": "the epsilon= of the layer or optimizer",
        "set_image_data_format": 'data_format="channels_first" of the layers',
        "standardize_dtype": 'dtype="float32" or torch.float32: both are taken',
    },
    "utils": {
        **dict.fromkeys(
            ("Config", "FeatureSpace", "audio_dataset_from_directory", "bounding_boxes"),
            "what its own library has for it: torch's, torchvision's, torchaudio's",
        ),
        **dict.fromkeys(("deserialize_keras_object", "serialize_keras_object"), _PLAIN),
        **dict.fromkeys(
            ("get_registered_name", "get_registered_object"), "get_custom_objects()[name]"
        ),
        **dict.fromkeys(
            ("model_to_dot", "plot_model"),
            "model.summary(), or the graph that callbacks.TensorBoard writes",
        ),
        **dict.fromkeys(("pack_x_y_sample_weight", "unpack_x_y_sample_weight"), "a tuple"),
        "Progbar": "tqdm.tqdm(total=...), or callbacks.ProgbarLogger in a Run",
        "array_to_img": "PIL.Image.fromarray(array)",
        "clear_session": "backend.clear_session, or nothing: a model owns all that it has",
        "get_file": "urllib.request.urlretrieve(url, path): nothing is fetched unasked",
        "get_source_inputs": "model.inputs",
        "image_dataset_from_directory": "torchvision.datasets.ImageFolder, in a torch DataLoader",
        "img_to_array": "numpy.asarray(image)",
        "is_keras_tensor": "isinstance(x, torch.Tensor)",
        "load_img": "PIL.Image.open(path)",
        "multi_gpu_model": "Model(DistributedDataParallel(net))",
        "save_img": "image.save(path), of a PIL.Image",
        "split_dataset": "torch.utils.data.random_split",
        "standardize_dtype": 'dtype="float32" or torch.float32: both are taken',
        "text_dataset_from_directory": "a torch Dataset over the files",
        "timeseries_dataset_from_array": "numpy.lib.stride_tricks.sliding_window_view",
    },
    "saving": {
        **dict.fromkeys(("deserialize_keras_object", "serialize_keras_object"), _PLAIN),
        **dict.fromkeys(
            ("get_registered_name", "get_registered_object"), "get_custom_objects()[name]"
        ),
        "KerasFileEditor": "h5py.File, or zipfile for a .keras file",
    },
    "ops": {
        **dict.fromkeys(_SPECTRA.split(), "torch.fft, or torch.stft"),
        **dict.fromkeys(_MATRICES.split(), "torch.linalg's function"),
        **dict.fromkeys(_BY_LAYERS.split(), "the layer of that kind, or torch.nn.functional's"),
        "image": "torchvision.transforms.v2.functional",
        **dict.fromkeys(_RARE.split(), "torch's function, in layers.Lambda(function) on a symbol"),
    },
    "preprocessing": {
        "TimeseriesGenerator": "numpy.lib.stride_tricks.sliding_window_view, and fit(x, y)",
        **dict.fromkeys(("make_sampling_table", "skipgrams"), "numpy, or the gensim library"),
        "image": MODULES["preprocessing.image"],
        "image_dataset_from_directory": "torchvision.datasets.ImageFolder, in a torch DataLoader",
        "text": MODULES["preprocessing.text"],
        "text_dataset_from_directory": "a torch Dataset over the files",
        "timeseries_dataset_from_array": "numpy.lib.stride_tricks.sliding_window_view",
    },
}
# `import onfit as tf` has what stands in TensorFlow beside Keras.
ROOMS["onfit"] = {**TENSORFLOW, **ROOMS["keras"]}
ROOMS["sequence"] = ROOMS["preprocessing"]
ROOMS |= {"activations": NN, "math": MATH, "random": RANDOM}
