"""Runs jobs: validates and stores them, claims their steps, places each somewhere, and keeps what comes out."""
