"""Jobs that leave this machine and come back: crates, and backups of everything."""
