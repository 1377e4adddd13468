"""A small library, served over HTTP."""
