"""Whether an environment lies within the hardware that a claim speaks of."""

from collections.abc import Mapping
from typing import Any

from kb.claim import Claim
from kb.words import Hardware


def off_scope(claim: Claim, hardware: Hardware, key: Mapping[str, Any]) -> str | None:
    """Say why an environment lies outside a claim's scope; None if it lies inside.

    Parameters
    ----------
    claim : Claim
        With its scope.
    hardware : Hardware
        Class of the device that the arms ran on.
    key : mapping
        The key of the environment's fingerprint.
    """
    scope = claim.scope
    if scope is None or Hardware.ANY in scope.hardware or hardware is Hardware.ANY:
        return None
    if hardware not in scope.hardware:
        named = " or ".join(scope.hardware)
        return f"the claim speaks of {named}, this ran on {hardware}; what was seen here is only indicative"
    cores = key.get("host", {}).get("logical_cores")
    if scope.cores and not (isinstance(cores, int) and cores >= scope.cores):
        return (
            f"the claim speaks of {scope.cores} cores, this ran on {cores}; what was seen is only indicative"
        )
    here = max(1, len(key.get("accelerators", ()))) if hardware is not Hardware.CPU else 1
    if scope.devices > here:
        return (
            f"the claim speaks of {scope.devices} devices, here is {here}; what was seen is only indicative"
        )
    return None
