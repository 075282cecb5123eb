"""The health check of a container, which has no curl: `probe.py URL` or, of a worker, `probe.py FILE` that it touches."""

import os
import sys
import time
import urllib.request

SECONDS = 30  # a worker touches its file every five

target = sys.argv[1]
if target.startswith("http"):
    urllib.request.urlopen(target, timeout=4)  # raises, and so ends with 1, for all but 2xx
elif time.time() - os.stat(target).st_mtime > SECONDS:
    sys.exit(f"{target} is too old.")
