"""sudo's policy read from the text of its files, as sudoers(5) of sudo 1.9 says that it is read."""
