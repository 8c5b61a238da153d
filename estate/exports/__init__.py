"""Results as documents for people and other programs: pure renderers."""
