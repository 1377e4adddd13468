"""Turns registry and bundles into the Markdown and HTML of the pages; pure functions, no I/O."""
