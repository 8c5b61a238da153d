"""Port scanners: each is asked a question that is a value, and brings evidence."""
