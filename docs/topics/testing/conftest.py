# These are a reader's tests: test_main.py runs them, as a reader would.
collect_ignore = ["orders_test.py", "real"]
