"""What the world knows of vulnerabilities: which package has which, which are used in attacks, and how likely."""
