"""How far two results lie apart: tables, JSON documents, other files. Reads files, knows no job and no database."""
