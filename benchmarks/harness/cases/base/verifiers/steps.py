# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""The step under `verify`: arm a at 20 repetitions, arm b at as many as the environment says."""

from work import REPETITIONS, configured, step_of

from kb.verifier import Cell, Step, measures


@measures(arms=("a/work", "b/work"))
def steps(cell: Cell) -> Step:
    """Return the step of an arm; both compute the same product."""
    run = step_of(REPETITIONS) if cell.framework == "a" else configured()
    return Step(run=run, outputs=lambda: {"product": run()})
