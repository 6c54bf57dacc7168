"""What the modules of dense matter and of its stars share: constants, the table, and matter between its rows."""
