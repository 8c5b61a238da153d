"""Networks made of namespaces, in which real scanners meet hosts whose truth is known."""
