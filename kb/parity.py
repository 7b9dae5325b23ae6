"""The parity gate, which asks whether two arms compute the same thing.

Unless they do, no clock starts. Arms report named arrays in one common layout (see `kb.verifier.Step`), so a
wrong padding, layout or normalisation constant shows as a difference of `logits`, `loss` or a gradient.
"""

import numpy as np

from kb.verifier import Arrays


def differences(of: Arrays, against: Arrays, rtol: float, atol: float) -> list[str]:
    """Name every way in which the outputs of two arms differ.

    An array agrees if no element differs by more than `atol + rtol * max(|against|)`: relative to the
    array's scale, because float32 sums taken in another order err in proportion to it, not to each element.

    Parameters
    ----------
    of, against : mapping of str to ndarray
        Outputs of the two arms.
    rtol : float
        Tolerance relative to the largest magnitude of the array.
    atol : float
        Absolute tolerance, in the array's unit.

    Returns
    -------
    list of str
        One sentence a difference; empty if the arms agree.
    """
    if not of or not against:
        return ["an arm reported no outputs, so nothing could be compared"]
    found = [f"{name}: only one of the arms reports it" for name in sorted(set(of) ^ set(against))]
    for name in sorted(set(of) & set(against)):
        left = np.asarray(of[name], dtype=np.float64)
        right = np.asarray(against[name], dtype=np.float64)
        found.extend(_difference(name, left, right, rtol, atol))
    return found


def _difference(name: str, left: np.ndarray, right: np.ndarray, rtol: float, atol: float) -> list[str]:
    if left.shape != right.shape:
        return [f"{name}: shapes {left.shape} and {right.shape}"]
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return [f"{name}: holds values that are not finite"]
    if not left.size:
        return [f"{name}: is empty"]
    worst = float(np.abs(left - right).max())
    allowed = atol + rtol * float(np.abs(right).max())
    return [] if worst <= allowed else [f"{name}: differs by {worst:.3g}, allowed is {allowed:.3g}"]
