"""A client of the admin API that holds every answer against the document that the program serves about itself."""
import http.client
import json
import re

import jsonschema
import referencing

import wire


class Reply:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def paths(self):
        """Where the request was wrong."""
        return [failure["path"] for failure in self.json["details"]["failures"]]

    def __repr__(self):
        return f"<{self.status} {dict(self.fields)} {self.body[:1500]!r}>"


class Description:
    """The served OpenAPI document."""

    def __init__(self, document):
        self.document = document
        resource = referencing.Resource.from_contents(document, referencing.jsonschema.DRAFT202012)
        self.registry = referencing.Registry().with_resource("urn:api", resource)

    def schema(self, reference):
        """A validator of what `#/…` names."""
        return jsonschema.Draft202012Validator({"$ref": "urn:api" + reference}, registry=self.registry)

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def find(self, method, path):
        """The operation of a request; None when it is not described."""
        for wanted, template, operation in self.operations():
            if wanted == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return operation
        return None

    def check(self, method, path, reply):
        """What was answered is what the document says; errors have one shape everywhere."""
        operation = self.find(method, path.partition("?")[0])
        answers = operation["responses"] if operation else {}
        answer = answers.get(str(reply.status))
        if answer is None:
            assert reply.status >= 400, (method, path, reply)
            self.schema("#/components/schemas/Error").validate(reply.json)
            assert reply.json["statusCode"] == reply.status
            return
        if "content" not in answer:
            assert not reply.body, (method, path, reply)
            return
        assert reply.fields["content-type"] == "application/json", reply
        self.schema(answer["content"]["application/json"]["schema"]["$ref"]).validate(reply.json)


class Api:
    """Requests by the holder of one admin token."""

    def __init__(self, house, token, source="127.0.0.1"):
        self.house, self.token, self.source = house, token, source
        self._description = None

    def raw(self, method, path, body=None, fields=()):
        """One request on a connection of its own; what is no bytes is sent as JSON."""
        fields = dict(fields)
        if self.token is not None:
            fields.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            fields.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPSConnection(
            "localhost", self.house.admin_port, context=wire.trusting(self.house.ca), timeout=30,
            source_address=(self.source, 0))
        try:
            connection.request(method, path, body, {name: value for name, value in fields.items() if value is not None})
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    @property
    def description(self):
        if self._description is None:
            reply = self.raw("GET", "/v1/openapi.json")
            assert reply.status == 200, reply
            self._description = Description(reply.json)
        return self._description

    def ask(self, method, path, body=None, code=None, **fields):
        """One request whose answer is held against the document; underscores in names of fields stand for dashes."""
        reply = self.raw(method, path, body, {name.replace("_", "-"): value for name, value in fields.items()})
        self.description.check(method, path, reply)
        if code is not None:
            assert reply.status == code, (method, path, reply)
        return reply

    def get(self, path, code=200):
        return self.ask("GET", path, code=code).json
