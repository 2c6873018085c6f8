"""What a run leaves behind: its tables, its summary, its exports. Knows no chart."""
