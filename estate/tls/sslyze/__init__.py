"""Reports of sslyze's command line, read for what they prove and no more."""
