"""Images before they run and containers while they do: what is wrong with each, and what came with which layer."""
