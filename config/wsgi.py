"""The pages without their live parts, for servers that speak WSGI only. What is posted here is heard by sockets elsewhere."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

# Only now that Django is set up may anything import models.
from config.health import with_health_checks_of_pages  # noqa: E402
from config.proxy import with_remote_addr  # noqa: E402

application = with_health_checks_of_pages(with_remote_addr(django_application))
