"""Content-addressed files: each content once, under its sha256."""

from calculation_engine.store.files import BlobWriter, Store, StoredFile

__all__ = ["BlobWriter", "Store", "StoredFile"]
