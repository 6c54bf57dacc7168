"""The database: what was asked for, what runs, what happened. SQLite or MariaDB behind one interface."""
