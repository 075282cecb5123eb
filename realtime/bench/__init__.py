"""`manage.py bench`: what the suite costs on real servers, beside the consumer of the Channels tutorial.

Read `modes.py` first (what is measured, in which units), then `load.py` (how the client measures it), `site.py` (the servers
that run) and `report.py` (medians, ratios, table). docs/performance.md has results and what follows from them.
"""
