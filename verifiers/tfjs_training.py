# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy", "playwright"]
# ///
"""Whether TensorFlow.js trains a CNN in a real browser on its WebGL backend, and infers as numpy does."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from kb.verifier import Array, Unavailable, probes
from models import web_page

IMAGES, SIZE, CHANNELS, FILTERS, CLASSES = 32, 16, 3, 8, 10
STEPS, RATE = 15, 0.02
SOFTWARE = ("swiftshader", "llvmpipe", "software", "basic render")
FAILURE_LENGTH = 500

# Without WebGL in the browser nothing is asked of TensorFlow.js.
SOURCE = """async ({images, shape, labels, weights, steps, rate}) => {
    const gl = document.createElement('canvas').getContext('webgl2');
    if (!gl || !gl.getExtension('EXT_color_buffer_float')) return {webgl: false};
    const named = gl.getExtension('WEBGL_debug_renderer_info');
    const renderer = gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
    const run = async backend => {
        await tf.setBackend(backend);
        const given = tf.tensor(images, shape);
        const wanted = tf.oneHot(tf.tensor1d(labels, 'int32'), 10).toFloat();
        const model = tf.sequential({layers: [
            tf.layers.conv2d({filters: 8, kernelSize: 3, activation: 'relu', inputShape: shape.slice(1)}),
            tf.layers.maxPooling2d({poolSize: 2}),
            tf.layers.flatten(),
            tf.layers.dense({units: 10}),
        ]});
        model.setWeights(weights.map(([value, shape]) => tf.tensor(value, shape)));
        const optimizer = tf.train.sgd(rate);
        const loss = () => tf.losses.softmaxCrossEntropy(wanted, model.apply(given, {training: true}));
        const losses = [];
        const step = async () => {
            const cost = optimizer.minimize(loss, true);
            losses.push((await cost.data())[0]);
            cost.dispose();
        };
        await step();  // compiles the shaders
        const start = performance.now();
        for (let i = 1; i < steps; i++) await step();
        const seconds = (performance.now() - start) / 1000 / (steps - 1);
        losses.push((await tf.tidy(loss).data())[0]);
        const logits = Array.from(await model.predict(given, {batchSize: images.length}).data());
        const learned = [];
        for (const weight of model.getWeights()) learned.push(Array.from(await weight.data()));
        return {backend: tf.getBackend(), seconds, losses, logits, learned,
            bytes: tf.memory().numBytesInGPU || 0};
    };
    const plain = await run('cpu');
    const result = {webgl: true, release: tf.version.tfjs, renderer, plain_seconds: plain.seconds};
    let trained;
    try { trained = await run('webgl'); }
    catch (error) { trained = {backend: tf.getBackend(), failure: String(error)}; }
    return {...result, ...trained, lost: gl.isContextLost()};
}"""


@probes(
    fields=(
        "tfjs_version",
        "browser",
        "renderer",
        "software_renderer",
        "backend",
        "failure",
        "gpu_memory_bytes",
        "losses",
        "loss_before",
        "loss_after",
        "loss_share",
        "output_scale",
        "largest_output_difference",
        "difference_share",
        "step_seconds",
        "plain_step_seconds",
        "speedup_over_plain",
    ),
    seconds=200,
)
def tfjs_training() -> dict[str, Any]:
    """Train a CNN with given weights and data in headless Chromium, WebGL backend, by gradient descent.

    Returns
    -------
    dict
        `backend` is TensorFlow.js's own word after training, `renderer` the browser's for what carries out
        WebGL, and `gpu_memory_bytes` what TensorFlow.js held in textures. Losses are of the same 32 images,
        before each of 15 steps and after the last; `loss_share` is the last over the first. Logits after
        training are held against numpy's, computed from the weights read back from the page;
        `difference_share` is the largest difference over the largest logit. Seconds are of one training step
        after the first, in the WebGL backend and in the one of plain JavaScript. What could not be had, since
        TensorFlow.js threw the `failure`, is None.

    Raises
    ------
    Unavailable
        Without Chromium, npm's package, or WebGL in this browser on this machine.
    RuntimeError
        Where the same page on plain JavaScript fails too, or the browser lost its WebGL context on the way.
    """
    given, images, weights = _given()
    with tempfile.TemporaryDirectory() as folder:
        done = web_page.call(Path(folder), SOURCE, given)
    if "failure" in done:
        message = f"the page failed before WebGL was asked for: {done['failure'][:FAILURE_LENGTH]}"
        raise RuntimeError(message)
    answer = done["answer"]
    if not answer["webgl"]:
        message = f"needs WebGL 2 that renders float32; {done['browser']} offers none on this machine"
        raise Unavailable(message, "no-hardware")
    if answer["lost"]:
        message = f"{done['browser']} lost its WebGL context during training"
        raise RuntimeError(message)
    losses = [_finite(loss) for loss in answer.get("losses", [])]
    before, after = (losses[0], losses[-1]) if losses else (None, None)
    return {
        "tfjs_version": answer["release"],
        "browser": done["browser"],
        "renderer": answer["renderer"],
        "software_renderer": any(name in answer["renderer"].lower() for name in SOFTWARE),
        "backend": answer["backend"],
        "failure": answer["failure"][:FAILURE_LENGTH] if "failure" in answer else None,
        "gpu_memory_bytes": answer.get("bytes"),
        "losses": losses,
        "loss_before": before,
        "loss_after": after,
        "loss_share": after / before if before and after is not None else None,
        **_differences(answer, images, [weight.shape for weight in weights]),
        "step_seconds": answer.get("seconds"),
        "plain_step_seconds": answer["plain_seconds"],
        "speedup_over_plain": answer["plain_seconds"] / answer["seconds"] if "seconds" in answer else None,
    }


def _given() -> tuple[dict[str, Any], Array, list[Array]]:
    """Return what the page is given, and of it the images (32, 16, 16, 3) and the weights, as arrays."""
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, IMAGES)
    patterns = random.normal(size=(CLASSES, SIZE, SIZE, CHANNELS))
    images = (patterns[labels] + random.normal(size=(IMAGES, SIZE, SIZE, CHANNELS))).astype(np.float32)
    flat = ((SIZE - 2) // 2) ** 2 * FILTERS
    shapes = [(3, 3, CHANNELS, FILTERS), (FILTERS,), (flat, CLASSES), (CLASSES,)]
    weights = [
        random.normal(0.0, np.prod(shape[:-1]) ** -0.5 if len(shape) > 1 else 0.1, shape) for shape in shapes
    ]
    return (
        {
            "images": images.ravel().tolist(),
            "shape": list(images.shape),
            "labels": labels.tolist(),
            "weights": [[weight.ravel().tolist(), list(weight.shape)] for weight in weights],
            "steps": STEPS,
            "rate": RATE,
        },
        images,
        weights,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None


def _differences(answer: dict[str, Any], images: Array, shapes: list[tuple[int, ...]]) -> dict[str, Any]:
    """Hold the page's logits against the same layers in numpy, double precision."""
    names = ("output_scale", "largest_output_difference", "difference_share")
    if "logits" not in answer:
        return dict.fromkeys(names)
    kernel, bias, dense, offset = (
        np.array(value, float).reshape(shape) for value, shape in zip(answer["learned"], shapes, strict=True)
    )
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    features = np.maximum(np.einsum("nhwcij,ijcf->nhwf", windows, kernel, optimize=True) + bias, 0.0)
    edge = features.shape[1] // 2
    pooled = features.reshape(IMAGES, edge, 2, edge, 2, FILTERS).max(axis=(2, 4))
    wanted = pooled.reshape(IMAGES, -1) @ dense + offset
    found = np.array(answer["logits"], float).reshape(wanted.shape)
    difference, scale = float(np.abs(found - wanted).max()), float(np.abs(wanted).max())
    if not np.isfinite([difference, scale]).all():
        return dict.fromkeys(names)
    return dict(zip(names, (scale, difference, difference / scale), strict=True))
