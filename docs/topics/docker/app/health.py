import os
import sys
from http.client import HTTPConnection

port = int(os.getenv("UVICORN_PORT", "8000"))
connection = HTTPConnection("127.0.0.1", port, timeout=2)
connection.request("GET", "/health")
sys.exit(connection.getresponse().status != 200)
