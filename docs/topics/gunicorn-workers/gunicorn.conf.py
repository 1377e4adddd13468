import os

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
worker_class = "asgi"
workers = int(os.environ.get("WEB_CONCURRENCY") or len(os.sched_getaffinity(0)))
preload_app = True

timeout = 30
graceful_timeout = 25
keepalive = 75

worker_tmp_dir = "/dev/shm"
control_socket_disable = True
