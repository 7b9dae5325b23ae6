"""The list of `onnx_layers` in Keras on TensorFlow; images are (height, width, channels)."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from kb.verifier import Cell
from models import conversion
from models.architecture import drawn, named
from models.onnx_layers import Input, floats, is_layer, weight, whole

WIDTH = 16


class Op(layers.Layer):
    """A function of tensors as a layer."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def call(self, *inputs: Any) -> Any:
        return self.function(*inputs)


def _attention(x: Any) -> Any:
    return layers.MultiHeadAttention(4, WIDTH // 4)(x, x)


def _residual_cnn(x: Any) -> Any:
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    inner = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    inner = layers.ReLU()(layers.BatchNormalization()(inner))
    inner = layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same", use_bias=False)(inner))
    return layers.Dense(10)(layers.GlobalAveragePooling2D()(layers.ReLU()(layers.Add()([x, inner]))))


def _lstm_classifier(tokens: Any) -> Any:
    return layers.Dense(4)(layers.LSTM(WIDTH)(layers.Embedding(20, 8)(tokens)))


def _transformer_block(x: Any) -> Any:
    x = layers.Add()([x, _attention(layers.LayerNormalization()(x))])
    inner = layers.Dense(32, activation="gelu")(layers.LayerNormalization()(x))
    return layers.Add()([x, layers.Dense(WIDTH)(inner)])


def _branched(x: Any) -> Any:
    return tf.cond(tf.reduce_mean(x) > 0, lambda: 2 * x, lambda: tf.tanh(x))


IMAGE, STEPS, TOKENS = floats(12, 12, 3), floats(6, 8), floats(6, WIDTH)
MAKE: dict[str, tuple[Callable[..., Any], tuple[Input, ...]]] = {
    "dense": (lambda x: layers.Dense(5)(x), (floats(8),)),
    "conv1d_strided": (lambda x: layers.Conv1D(6, 3, strides=2)(x), (floats(16, 4),)),
    "conv2d": (lambda x: layers.Conv2D(8, 3, padding="same")(x), (IMAGE,)),
    "conv2d_dilated": (lambda x: layers.Conv2D(8, 3, dilation_rate=2)(x), (IMAGE,)),
    "conv2d_depthwise": (lambda x: layers.DepthwiseConv2D(3, depth_multiplier=2)(x), (IMAGE,)),
    "conv2d_transpose": (lambda x: layers.Conv2DTranspose(8, 3, strides=2)(x), (IMAGE,)),
    "max_pool": (lambda x: layers.MaxPooling2D(2)(x), (IMAGE,)),
    "average_pool": (lambda x: layers.AveragePooling2D(2)(x), (IMAGE,)),
    "global_average_pool": (lambda x: layers.GlobalAveragePooling2D()(x), (IMAGE,)),
    "batch_norm_inference": (lambda x: layers.BatchNormalization()(x, training=False), (IMAGE,)),
    "batch_norm_training": (lambda x: layers.BatchNormalization()(x, training=True), (IMAGE,)),
    "layer_norm": (lambda x: layers.LayerNormalization()(x), (STEPS,)),
    "group_norm": (lambda x: layers.GroupNormalization(2)(x), (floats(6, 6, 4),)),
    "rms_norm": (lambda x: layers.RMSNormalization()(x), (STEPS,)),
    "embedding": (lambda x: layers.Embedding(20, 8)(x), (whole(20, 6),)),
    "lstm": (lambda x: layers.LSTM(WIDTH, return_sequences=True)(x), (STEPS,)),
    "gru": (lambda x: layers.GRU(WIDTH, return_sequences=True)(x), (STEPS,)),
    "bidirectional_lstm": (
        lambda x: layers.Bidirectional(layers.LSTM(WIDTH, return_sequences=True))(x),
        (STEPS,),
    ),
    "multi_head_attention": (_attention, (TOKENS,)),
    "softmax": (lambda x: layers.Softmax()(x), (STEPS,)),
    "gelu": (lambda x: layers.Activation("gelu")(x), (STEPS,)),
    "dropout_inference": (lambda x: layers.Dropout(0.5)(x), (STEPS,)),
    "einsum": (
        lambda x, y: Op(lambda x, y: tf.einsum("bij,bjk->bik", x, y))(x, y),
        (floats(4, 5), floats(5, 6)),
    ),
    "gather": (lambda x, i: Op(lambda x, i: tf.gather(x, i, batch_dims=1))(x, i), (STEPS, whole(6, 3))),
    "top_k": (lambda x: Op(lambda x: tuple(tf.math.top_k(x, 3)))(x), (STEPS,)),
    "resize_bilinear": (lambda x: layers.UpSampling2D(2, interpolation="bilinear")(x), (IMAGE,)),
    "cumsum": (lambda x: Op(lambda x: tf.cumsum(x, 1))(x), (STEPS,)),
    "argsort": (lambda x: Op(lambda x: tf.argsort(x, -1))(x), (STEPS,)),
    "boolean_mask": (lambda x: Op(lambda x: tf.boolean_mask(x, x > 0))(x), (STEPS,)),
    "real_fft": (lambda x: Op(lambda x: tf.abs(tf.signal.rfft(x)))(x), (floats(16),)),
    "branch_on_data": (lambda x: Op(_branched)(x), (STEPS,)),
    "residual_cnn": (_residual_cnn, (IMAGE,)),
    "lstm_classifier": (_lstm_classifier, (whole(20, 6),)),
    "transformer_block": (_transformer_block, (TOKENS,)),
}


def build(name: str) -> tuple[keras.Model, tuple[Input, ...]]:
    """Return a functional model with drawn weights, and its inputs."""
    if not is_layer(name):
        return _architecture(name)
    make, inputs = MAKE[name]
    given = [
        keras.Input(each.shape, dtype="int64" if each.below else "float32", name=f"x{place}")
        for place, each in enumerate(inputs)
    ]
    model = keras.Model(given if len(given) > 1 else given[0], make(*given))
    random = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(weight(variable.path, variable.shape, random))
    return model, inputs


def _architecture(name: str) -> tuple[keras.Model, tuple[Input, ...]]:
    architecture = named(name)
    model = architecture.tensorflow()
    conversion.load_keras(model, drawn(architecture, Cell("tensorflow/eager"), 1)[0])
    return model, (Input(architecture.IMAGE),)
