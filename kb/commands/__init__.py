"""The commands of `kb`: a module each, with `arguments(parser)` and `run(options)`, giving a status."""
