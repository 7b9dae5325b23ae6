"""Where the knowledge base lies: the folder with `claims/`, `verifiers/` and `data/`."""

import os
from pathlib import Path

from kb.errors import KbError


def find_root() -> Path:
    """Return the root of the knowledge base.

    `KB_ROOT` if set, else the nearest folder above the working directory that holds `claims/`, else the
    checkout that this package was installed from.

    Raises
    ------
    KbError
        Where none of them holds `claims/`.
    """
    named = os.environ.get("KB_ROOT")
    here = Path.cwd()
    candidates = [Path(named)] if named else [here, *here.parents, Path(__file__).resolve().parent.parent]
    for folder in candidates:
        if (folder / "claims").is_dir():
            return folder.resolve()
    message = f"no folder claims/ in {candidates[0]} or above; run inside a checkout or set KB_ROOT to one"
    raise KbError(message)
