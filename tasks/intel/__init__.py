"""Ask the world's vulnerability databases about packages: politely, from a cache, and never about hosts."""
