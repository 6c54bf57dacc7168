"""Content-addressed files on a disk, and the room that there is for them."""

from calculation_engine.store.files import BlobWriter, Store, StoredFile
from calculation_engine.store.room import Room, bytes_text, full_is_told, is_full, used_bytes

__all__ = ["BlobWriter", "Room", "Store", "StoredFile", "bytes_text", "full_is_told", "is_full", "used_bytes"]
