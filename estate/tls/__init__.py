"""TLS endpoints: what they were asked, the grade that SSL Labs' guide gives them, and which weaknesses are findings."""
