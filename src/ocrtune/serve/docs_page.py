"""The API's document as a page without a script or anything from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any


def docs_page(openapi: Mapping[str, Any]) -> str:
    """HTML that shows an OpenAPI document: routes with parameters and answers, then all forms."""
    title = f"{openapi['info']['title']} {openapi['info']['version']}"
    body = "".join((*_routes(openapi["paths"]), *_forms(openapi["components"]["schemas"])))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}: REST API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head><body>'
        f"<h1>{escape(title)}: REST API</h1>"
        '<p>The same for programs: <a href="/openapi.json">openapi.json</a></p>'
        f"{body}</body></html>"
    )


def _routes(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield f"<h2>{escape(method.upper())} {escape(path)}</h2>"
            yield f"<p>{escape(operation.get('description', operation['summary']))}</p>"
            for parameter in operation.get("parameters", ()):
                shown = json.dumps(parameter["schema"], ensure_ascii=False)
                described = escape(parameter.get("description", ""))
                name = escape(parameter["name"])
                yield f"<p><code>?{name}</code> {described} <code>{escape(shown)}</code></p>"
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"<p>Body <code>{escape(kind)}</code></p>{_schema(content['schema'])}"
            for status, answer in operation["responses"].items():
                names = " or ".join(_names(answer))
                yield f"<p>{escape(str(status))}: {escape(answer['description'])} {names}</p>"


def _forms(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f'<h2 id="{escape(name)}">{escape(name)}</h2>{_schema(schema)}'


def _schema(schema: Any) -> str:
    return f"<pre>{escape(json.dumps(schema, indent=2, ensure_ascii=False))}</pre>"


def _names(answer: Mapping[str, Any]) -> Iterator[str]:
    for content in answer.get("content", {}).values():
        schema = content.get("schema", {})
        for choice in schema.get("anyOf", [schema]):
            if "$ref" in choice:
                name = escape(choice["$ref"].rpartition("/")[2])
                yield f'<a href="#{name}">{name}</a>'
