"""What a machine needs around the application; nothing here ships in the wheel."""
