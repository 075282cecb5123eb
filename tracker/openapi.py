"""The description of the API for programs and their generators: OpenAPI 3.1, from the structs that the views answer with."""

from typing import Any

import msgspec

from realtime.protocol import Error
from tracker.models import DESCRIPTION_LENGTH, NAME_LENGTH, Severity
from tracker.views.api import BODY_BYTES, FEATURES, Ingested, Page

QUERY = {
    "bbox": ("west,south,east,north in degrees; east may be beyond 180", {"type": "string", "example": "-10,35,30,70"}),
    "severity": ("this one and worse, 1 (urgent) to 5 (info); several with commas", {"type": "string", "example": "2"}),
    "state": ("open, closed or all", {"type": "string", "enum": ["open", "closed", "all"], "default": "open"}),
    "hours": ("reported in the last hours", {"type": "number"}),
    "q": ("words in the name or the description", {"type": "string", "maxLength": 100}),
    "since": ("changed after this moment (ISO 8601), or after this revision: then also what is closed", {"type": "string"}),
    "before": ("with a smaller id: the next page", {"type": "integer"}),
    "limit": ("features in an answer", {"type": "integer", "minimum": 1, "maximum": FEATURES, "default": FEATURES}),
}
ERRORS = {
    "400": "Not JSON, or a parameter that makes no sense",
    "401": "No token, or a wrong one",
    "403": "The token has another scope",
    "413": f"More than {BODY_BYTES:,} bytes or {FEATURES:,} features",
    "422": "None of the features could be stored, or these are no features",
    "429": "Too fast: Retry-After says how long to wait",
}


def document(server: str) -> dict[str, Any]:
    (ingested, page, error), schemas = msgspec.json.schema_components(
        [Ingested, Page, Error], ref_template="#/components/schemas/{name}"
    )
    errors = {status: _answer(text, error) for status, text in ERRORS.items()}
    read = {
        "summary": "Incidents as GeoJSON",
        "security": [{"token": ["tracker:read"]}],
        "parameters": [
            {"name": name, "in": "query", "description": text, "schema": schema} for name, (text, schema) in QUERY.items()
        ],
        "responses": {
            "200": _answer("A FeatureCollection; the ETag changes with every change of the map", page, "application/geo+json"),
            "304": {"description": "Nothing has changed since the ETag in If-None-Match"},
            **{status: errors[status] for status in ("400", "401", "403", "429")},
        },
    }
    write = {
        "summary": "Report or change incidents",
        "description": "Idempotent by source and external_id. What is wrong with a feature holds up no other.",
        "security": [{"token": ["tracker:write"]}],
        "parameters": [
            {"name": "source", "in": "query", "description": "who speaks", "schema": {"type": "string", "maxLength": 40}}
        ],
        "requestBody": {
            "required": True,
            "content": {"application/geo+json": {"schema": {"$ref": "#/components/schemas/Report"}, "example": EXAMPLE}},
        },
        "responses": {
            "200": _answer("Taken in, nothing new among them", ingested),
            "201": _answer("Taken in, some of them new", ingested),
            **errors,
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tracker", "version": "1", "description": "Incidents on the map. Tokens are made on the site."},
        "servers": [{"url": server.rstrip("/")}],
        "paths": {"/tracker/api/incidents": {"get": read, "post": write}},
        "components": {
            "schemas": {**schemas, "Report": REPORT, "Feature": FEATURE},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _answer(text: str, schema: dict[str, Any], media: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": {media: {"schema": schema}}}


FEATURE: dict[str, Any] = {
    "type": "object",
    "required": ["type", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "id": {"type": ["string", "number"]},
        "geometry": {
            "type": "object",
            "required": ["type", "coordinates"],
            "properties": {
                "type": {"const": "Point"},
                "coordinates": {
                    "type": "array",
                    "prefixItems": [
                        {"type": "number", "minimum": -180, "maximum": 180},
                        {"type": "number", "minimum": -90, "maximum": 90},
                    ],
                    "minItems": 2,
                    "maxItems": 3,
                },
            },
        },
        "properties": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": NAME_LENGTH},
                "description": {"type": "string", "maxLength": DESCRIPTION_LENGTH},
                "severity": {"enum": [*Severity.values, *(severity.name.lower() for severity in Severity)], "default": 3},
                "closed": {"type": "boolean"},
                "url": {"type": "string", "format": "uri"},
                "source": {"type": "string", "maxLength": 40},
                "external_id": {"type": "string", "maxLength": 200},
                "created": {"type": "string", "format": "date-time"},
                "updated": {"type": "string", "format": "date-time"},
            },
        },
    },
}
REPORT: dict[str, Any] = {
    "oneOf": [
        {"$ref": "#/components/schemas/Feature"},
        {
            "type": "object",
            "required": ["type", "features"],
            "properties": {
                "type": {"const": "FeatureCollection"},
                "features": {"type": "array", "maxItems": FEATURES, "items": {"$ref": "#/components/schemas/Feature"}},
            },
        },
    ]
}
EXAMPLE = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [4.14, 51.95]},
    "properties": {"name": "Storm surge", "severity": "high", "external_id": "gauge-7-2026-01-31"},
}
