"""Where the wall time of stored measured runs went: bursts, the life of processes, our own code."""

from kb.files import outcome_paths, read_outcome
from kb.root import find_root


def main() -> None:
    """Print one line a run, in percent of its wall time."""
    print(f"{'claim':<42}{'wall s':>8}{'bursts':>8}{'processes':>11}{'own':>7}")
    for path in outcome_paths(find_root()):
        outcome = read_outcome(path)
        spent = outcome["time"]
        if not spent:
            continue
        wall = spent["wall"]
        shares = [100 * spent[name] / wall for name in ("bursts", "processes", "own")]
        bursts, processes, own = shares
        print(f"{outcome['claim']:<42}{wall:>8.0f}{bursts:>7.1f}%{processes:>10.1f}%{own:>6.1f}%")


if __name__ == "__main__":
    main()
