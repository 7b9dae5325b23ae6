"""What verifiers measure: architectures, once per framework, and the ways to run them."""
