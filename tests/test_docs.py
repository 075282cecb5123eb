"""Documents that are written from the code are current."""

from django.core.management import call_command


def test_the_reference_of_the_wire_is_current():
    call_command("protocol", check=True)
