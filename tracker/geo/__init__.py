"""Where things are: a grid of cells that a database can search, and shapes that Shapely tests exactly. No GIS library needed.

Coordinates are degrees of longitude and latitude on a flat map, as people draw them: no edge takes a shorter way round. An area
that crosses the antimeridian is written with longitudes beyond ±180, or split there as RFC 7946 has it.
"""
