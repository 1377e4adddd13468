#!/bin/sh
set -e
echo "migrations done"
exec uvicorn app.main:app
