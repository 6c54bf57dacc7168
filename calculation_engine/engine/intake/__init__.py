"""Takes jobs in: checked whole, and stored before anybody is told so."""
