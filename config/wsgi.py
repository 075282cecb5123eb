"""The pages without their live parts, for servers that speak WSGI only.

Reading and posting work, by plain forms or by scripts over HTTP; what is posted is told to the sockets of other processes.
Jobs are for `manage.py runworker`.
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

# Only now that Django is set up may anything import models.
from django.conf import settings  # noqa: E402

from config.health import with_health_checks_of_pages  # noqa: E402
from config.proxy import with_remote_addr  # noqa: E402
from realtime import logs  # noqa: E402


def pages_only(environ, start_response):
    environ["PAGES_ONLY"] = "1"  # no header is called so, they all begin with HTTP_: see config/context.py
    logs.request_id.set(logs.new_request_id(environ.get("HTTP_X_REQUEST_ID", "") if settings.TRUST_PROXY else ""))
    return django_application(environ, start_response)


application = with_health_checks_of_pages(with_remote_addr(pages_only))
