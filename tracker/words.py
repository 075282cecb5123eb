"""Numbers and sentences in the language of whoever reads them."""

from typing import Any

from django.utils.formats import number_format
from django.utils.functional import lazy


def _grouped(number: int) -> str:
    return number_format(number, force_grouping=True)


grouped: Any = lazy(_grouped, str)  # `grouped(10_000)`: "10,000", or "10.000"
