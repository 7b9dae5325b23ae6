"""`kb app`: open the app."""

import argparse
import os
import sys

from kb.root import find_root


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--port", type=int, default=8501, help="port on the loopback address; default 8501")


def run(options: argparse.Namespace) -> int:
    """Replace this process by Streamlit's server, on loopback, with usage statistics off."""
    script = find_root() / "app.py"
    flags = [
        "--server.address=127.0.0.1",
        f"--server.port={options.port}",
        "--browser.gatherUsageStats=false",
    ]
    os.execv(  # noqa: S606 - no shell is wanted
        sys.executable, [sys.executable, "-m", "streamlit", "run", str(script), *flags]
    )
