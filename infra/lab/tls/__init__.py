"""A lab of real TLS servers on loopback, each with one thing about it that a grader has to notice."""
