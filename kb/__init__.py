"""A knowledge base of claims about deep learning frameworks, each tied to a verifier that reruns it."""
