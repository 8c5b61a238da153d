"""Certificates: read from any wrapping, judged by our own path building, followed through renewals."""
