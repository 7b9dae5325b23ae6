"""The architectures that verifiers measure, once per framework, and the ways in which each framework runs them."""
