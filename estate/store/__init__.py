"""Where runs, coverage, facts, changes and findings are kept: SQLite by default, PostgreSQL by URL."""
