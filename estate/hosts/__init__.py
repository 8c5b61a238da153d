"""What a machine runs, who can get in, and who can become root: read from what one collector brought."""
