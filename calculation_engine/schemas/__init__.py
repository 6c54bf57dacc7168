"""What crosses a boundary: HTTP, a file, or JSON in the database."""
