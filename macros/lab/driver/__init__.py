"""What runs inside the browser's Python: a topic's app, its requests and its proofs.

Plain Python without the project's own machinery, so that it starts fast; `macros.lab` puts it into
the archive as the package `lab`.
"""
