"""Start-up of the command line against `python -c pass`, interleaved in one run; medians and their ratio."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 15
BIN = Path(sys.executable).parent
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "verify --help": [str(BIN / "verify"), "--help"],
    "kb list": [str(BIN / "kb"), "list"],
}
HEAVY = ("torch", "tensorflow", "jax", "keras", "streamlit", "polars", "duckdb", "pydantic", "numpy")


def seconds(command: list[str]) -> float:
    """Return the wall time of one run of a command."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def heavy_modules(arguments: list[str]) -> str:
    """Return which heavy packages a command imports."""
    code = (
        "import sys, contextlib, io; from kb.cli import main\n"
        "quiet = contextlib.redirect_stdout(io.StringIO())\n"
        "with contextlib.suppress(SystemExit), quiet: main(sys.argv[2:])\n"
        "print(' '.join(name for name in sys.argv[1].split(',') if name in sys.modules) or 'none')"
    )
    command = [sys.executable, "-c", code, ",".join(HEAVY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Print the table."""
    for command in COMMANDS.values():
        seconds(command)
    times = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    base = statistics.median(times["python -c pass"])
    print(f"{'command':<16}{'median ms':>10}{'ratio':>7}  heavy imports")
    for name, found in times.items():
        median = statistics.median(found)
        imported = (
            "none" if name.startswith("python") else heavy_modules(name.split()[name.startswith("kb") :])
        )
        print(f"{name:<16}{median * 1e3:>10.1f}{median / base:>7.1f}  {imported}")


if __name__ == "__main__":
    main()
