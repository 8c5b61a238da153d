"""Open ports: how scanners report them, which are expected, and what an unexpected one is worth."""
