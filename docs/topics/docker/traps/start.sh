#!/bin/sh
set -e
echo "migrations done"
uvicorn app.main:app
