"""The client: jobs sent to a server, and their results as tables. Imports nothing of the server."""

from calculation_engine.client.client import Client
from calculation_engine.client.finished import Finished
from calculation_engine.client.job import Job
from calculation_engine.client.results import Results

__all__ = ["Client", "Finished", "Job", "Results"]
