"""Tests of what apps do together are there when those apps are."""

from django.conf import settings

NEEDS = {
    "test_demo_site.py": {"chat"},
    "test_procfile.py": {"chat"},
    "test_restored.py": {"chat"},
    "test_wsgi.py": {"chat"},
    "test_dashboard_processes.py": {"chat", "dashboard"},
    "test_notices.py": {"chat", "notifications"},
    "test_notices_browser.py": {"chat", "notifications"},
    "test_notices_processes.py": {"notifications"},
}
collect_ignore = [name for name, apps in NEEDS.items() if not apps <= set(settings.SUITE_APPS)]
