"""The pure domain: bytes in, values out; no network, no subprocess, no clock."""
