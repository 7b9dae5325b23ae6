"""The small Transformer encoder in Keras, its attention by `MultiHeadAttention`."""

from typing import Any

from keras import Input, Model, layers

from models.transformer import BLOCKS, CLASSES, EPSILON, HEADS, HIDDEN, IMAGE, PATCH, TOKENS, WIDTH


class Position(layers.Layer):
    """Adds to each token what is learnt of its position."""

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the variable."""
        self.embedding = self.add_weight(shape=(TOKENS, WIDTH), name="embedding")

    def call(self, x: Any) -> Any:
        """Return the tokens with their positions added."""
        return x + self.embedding


def transformer() -> Model:
    """Return the model over (batch, 32, 32, 3)."""
    images = Input(IMAGE)
    x = layers.Conv2D(WIDTH, PATCH, PATCH, name="patch")(images)
    x = Position(name="position")(layers.Reshape((TOKENS, WIDTH))(x))
    for block in BLOCKS:
        tokens = layers.LayerNormalization(epsilon=EPSILON, name=f"{block}.norm1")(x)
        attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, name=f"{block}.attention")
        x = layers.Add()([x, attention(tokens, tokens)])
        hidden = layers.LayerNormalization(epsilon=EPSILON, name=f"{block}.norm2")(x)
        hidden = layers.Dense(HIDDEN, activation="gelu", name=f"{block}.dense1")(hidden)
        x = layers.Add()([x, layers.Dense(WIDTH, name=f"{block}.dense2")(hidden)])
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.LayerNormalization(epsilon=EPSILON, name="norm")(x)
    return Model(images, layers.Dense(CLASSES, name="dense")(x))
