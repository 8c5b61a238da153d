"""What only two scans together can tell."""
