"""The commands of `kb`: one module each, with `arguments(parser)` and `run(options) -> int`, an exit status."""
