"""The figures that we hold ourselves to, measured against the tools that people use today: `make bench`."""
