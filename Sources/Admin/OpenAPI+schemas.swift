extension OpenAPI {
    /// A body for each form, which is accepted where its upstream, and what waits there, is so called.
    static let examples: [String: String] = [
        "EndpointDraft": #"""
        {"name": "dashboards", "config": {"methods": ["read"], "tags": ["apps"]}, "expires_at": null}
        """#,
        "EndpointChange": #"""
        {"config": {"tags": ["apps", "users"]}}
        """#,
        "APITokenDraft": #"""
        {"name": "Ana's laptop", "subject": "ana@example.com", "groups": ["dashboards"], "upstreams": ["torii"]}
        """#,
        "AdminTokenDraft": #"""
        {"name": "deploy pipeline", "role": "operator"}
        """#,
        "Approval": #"""
        {
          "upstream": "torii",
          "tool": "search_apps",
          "hash": "0000000000000000000000000000000000000000000000000000000000000000"
        }
        """#,
        "Question": #"""
        {
          "upstream": "torii",
          "tool": "list_apps",
          "arguments": {},
          "subject": "ana@example.com",
          "groups": ["dashboards"]
        }
        """#,
    ]

    /// The parameters, answers and schemas.
    static let components = #"""
        {
          "securitySchemes": {
            "adminToken": {"type": "http", "scheme": "bearer", "description": "komainu admin-token create"}
          },
          "parameters": {
            "upstream": {"name": "upstream", "in": "path", "required": true, "schema": {"type": "string"}},
            "id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}},
            "limit": {
              "name": "limit",
              "in": "query",
              "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
            },
            "cursor": {
              "name": "cursor",
              "in": "query",
              "description": "next_cursor of the page before.",
              "schema": {"type": "string"}
            },
            "next_cursor": {
              "name": "next_cursor",
              "in": "query",
              "description": "next_cursor of the page before.",
              "schema": {"type": "string"}
            },
            "upstreamFilter": {"name": "upstream", "in": "query", "schema": {"type": "string"}},
            "idempotencyKey": {
              "name": "Idempotency-Key",
              "in": "header",
              "description": "Within 24 hours the same request makes nothing again; no secret is shown.",
              "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"}
            }
          },
          "responses": {
            "Error": {
              "description": "Why it was not done.",
              "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
            }
          },
          "schemas": {
            "Config": {
              "type": "object",
              "properties": {
                "methods": {"type": "array", "items": {"type": "string"}},
                "tags": {"type": "array", "items": {"type": "string"}},
                "tools": {"type": "array", "items": {"type": "string"}},
                "policy": {"type": "string"},
                "require_api_token_auth": {"type": "boolean"}
              },
              "required": ["require_api_token_auth"],
              "additionalProperties": false
            },
            "ConfigDraft": {
              "type": "object",
              "properties": {
                "methods": {"type": ["array", "null"], "items": {"type": "string"}},
                "tags": {"type": ["array", "null"], "items": {"type": "string"}},
                "tools": {"type": ["array", "null"], "items": {"type": "string"}},
                "policy": {"type": ["string", "null"]},
                "require_api_token_auth": {"type": "boolean"},
                "tool_exposure": {"const": "all"}
              },
              "required": [],
              "additionalProperties": false,
              "description": "Left out or null: no restriction. Unknown words, and a choice without tools, are refused."
            },
            "EndpointDraft": {
              "type": "object",
              "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "config": {"$ref": "#/components/schemas/ConfigDraft"},
                "expires_at": {
                  "type": ["string", "null"],
                  "format": "date-time",
                  "description": "At least 60 seconds ahead; null for never."
                }
              },
              "required": ["name"],
              "additionalProperties": false
            },
            "EndpointChange": {
              "type": "object",
              "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "config": {"$ref": "#/components/schemas/ConfigDraft"},
                "expires_at": {
                  "type": ["string", "null"],
                  "format": "date-time",
                  "description": "At least 60 seconds ahead; null for never."
                }
              },
              "required": [],
              "additionalProperties": false
            },
            "Endpoint": {
              "type": "object",
              "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "upstream": {"type": "string"},
                "config": {"$ref": "#/components/schemas/Config"},
                "created_by": {"type": "string"},
                "expires_at": {"type": ["string", "null"], "format": "date-time"},
                "created_at": {"type": "string", "format": "date-time"},
                "updated_at": {"type": "string", "format": "date-time"}
              },
              "required": [
                "id",
                "name",
                "upstream",
                "config",
                "created_by",
                "expires_at",
                "created_at",
                "updated_at"
              ],
              "additionalProperties": false
            },
            "IssuedEndpoint": {
              "type": "object",
              "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "upstream": {"type": "string"},
                "config": {"$ref": "#/components/schemas/Config"},
                "created_by": {"type": "string"},
                "expires_at": {"type": ["string", "null"], "format": "date-time"},
                "created_at": {"type": "string", "format": "date-time"},
                "updated_at": {"type": "string", "format": "date-time"},
                "token": {"type": "string", "description": "Shown in this answer only."},
                "url": {"type": "string", "format": "uri"}
              },
              "required": [
                "id",
                "name",
                "upstream",
                "config",
                "created_by",
                "expires_at",
                "created_at",
                "updated_at",
                "token",
                "url"
              ],
              "additionalProperties": false
            },
            "EndpointPage": {
              "type": "object",
              "properties": {
                "result": {"type": "array", "items": {"$ref": "#/components/schemas/Endpoint"}},
                "next_cursor": {"type": ["string", "null"]}
              },
              "required": ["result", "next_cursor"],
              "additionalProperties": false
            },
            "EndpointAsTruto": {
              "type": "object",
              "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "integrated_account_id": {"type": "string"},
                "config": {"$ref": "#/components/schemas/Config"},
                "created_by": {"type": "string"},
                "expires_at": {"type": ["string", "null"], "format": "date-time"},
                "created_at": {"type": "string", "format": "date-time"},
                "updated_at": {"type": "string", "format": "date-time"}
              },
              "required": [
                "id",
                "name",
                "integrated_account_id",
                "config",
                "created_by",
                "expires_at",
                "created_at",
                "updated_at"
              ],
              "additionalProperties": false
            },
            "IssuedEndpointAsTruto": {
              "type": "object",
              "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "integrated_account_id": {"type": "string"},
                "config": {"$ref": "#/components/schemas/Config"},
                "created_by": {"type": "string"},
                "expires_at": {"type": ["string", "null"], "format": "date-time"},
                "created_at": {"type": "string", "format": "date-time"},
                "updated_at": {"type": "string", "format": "date-time"},
                "token": {"type": "string", "description": "Shown in this answer only."},
                "url": {"type": "string", "format": "uri"}
              },
              "required": [
                "id",
                "name",
                "integrated_account_id",
                "config",
                "created_by",
                "expires_at",
                "created_at",
                "updated_at",
                "token",
                "url"
              ],
              "additionalProperties": false
            },
            "EndpointPageAsTruto": {
              "type": "object",
              "properties": {
                "result": {"type": "array", "items": {"$ref": "#/components/schemas/EndpointAsTruto"}},
                "next_cursor": {"type": ["string", "null"]}
              },
              "required": ["result", "next_cursor"],
              "additionalProperties": false
            },
            "APITokenDraft": {
              "type": "object",
              "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "subject": {"type": "string", "minLength": 1, "maxLength": 200},
                "groups": {
                  "type": ["array", "null"],
                  "items": {"type": "string", "minLength": 1, "maxLength": 200},
                  "maxItems": 100
                },
                "endpoints": {"type": ["array", "null"], "items": {"type": "string", "format": "uuid"}},
                "upstreams": {
                  "type": ["array", "null"],
                  "items": {"type": "string", "minLength": 1, "maxLength": 200}
                },
                "kind": {"enum": ["opaque", "signed"]},
                "expires_at": {
                  "type": ["string", "null"],
                  "format": "date-time",
                  "description": "At least 60 seconds ahead; null for never."
                }
              },
              "required": ["name", "subject"],
              "additionalProperties": false,
              "description": "It must be bound to 1 to 1,000 endpoints and upstreams."
            },
            "APIToken": {
              "type": "object",
              "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "subject": {"type": "string", "minLength": 1, "maxLength": 200},
                "groups": {"type": "array", "items": {"type": "string"}},
                "endpoints": {"type": "array", "items": {"type": "string", "format": "uuid"}},
                "upstreams": {"type": "array", "items": {"type": "string"}},
                "kind": {"enum": ["opaque", "signed"]},
                "created_by": {"type": "string"},
                "expires_at": {"type": ["string", "null"], "format": "date-time"},
                "created_at": {"type": "string", "format": "date-time"},
                "revoked_at": {"type": ["string", "null"], "format": "date-time"}
              },
              "required": [
                "id",
                "name",
                "subject",
                "groups",
                "endpoints",
                "upstreams",
                "kind",
                "created_by",
                "expires_at",
                "created_at",
                "revoked_at"
              ],
              "additionalProperties": false
            },
            "IssuedAPIToken": {
              "type": "object",
              "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "subject": {"type": "string", "minLength": 1, "maxLength": 200},
                "groups": {"type": "array", "items": {"type": "string"}},
                "endpoints": {"type": "array", "items": {"type": "string", "format": "uuid"}},
                "upstreams": {"type": "array", "items": {"type": "string"}},
                "kind": {"enum": ["opaque", "signed"]},
                "created_by": {"type": "string"},
                "expires_at": {"type": ["string", "null"], "format": "date-time"},
                "created_at": {"type": "string", "format": "date-time"},
                "revoked_at": {"type": ["string", "null"], "format": "date-time"},
                "token": {"type": "string", "description": "Shown in this answer only."}
              },
              "required": [
                "id",
                "name",
                "subject",
                "groups",
                "endpoints",
                "upstreams",
                "kind",
                "created_by",
                "expires_at",
                "created_at",
                "revoked_at",
                "token"
              ],
              "additionalProperties": false
            },
            "APITokenPage": {
              "type": "object",
              "properties": {
                "result": {"type": "array", "items": {"$ref": "#/components/schemas/APIToken"}},
                "next_cursor": {"type": ["string", "null"]}
              },
              "required": ["result", "next_cursor"],
              "additionalProperties": false
            },
            "AdminTokenDraft": {
              "type": "object",
              "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "role": {"enum": ["admin", "operator", "reviewer"]},
                "expires_at": {
                  "type": ["string", "null"],
                  "format": "date-time",
                  "description": "At least 60 seconds ahead; null for never."
                }
              },
              "required": ["name", "role"],
              "additionalProperties": false
            },
            "AdminToken": {
              "type": "object",
              "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "role": {"enum": ["admin", "operator", "reviewer"]},
                "created_by": {"type": "string"},
                "expires_at": {"type": ["string", "null"], "format": "date-time"},
                "created_at": {"type": "string", "format": "date-time"},
                "revoked_at": {"type": ["string", "null"], "format": "date-time"}
              },
              "required": ["id", "name", "role", "created_by", "expires_at", "created_at", "revoked_at"],
              "additionalProperties": false
            },
            "IssuedAdminToken": {
              "type": "object",
              "properties": {
                "id": {"type": "string", "format": "uuid"},
                "name": {"type": "string", "minLength": 1, "maxLength": 200},
                "role": {"enum": ["admin", "operator", "reviewer"]},
                "created_by": {"type": "string"},
                "expires_at": {"type": ["string", "null"], "format": "date-time"},
                "created_at": {"type": "string", "format": "date-time"},
                "revoked_at": {"type": ["string", "null"], "format": "date-time"},
                "token": {"type": "string", "description": "Shown in this answer only."}
              },
              "required": [
                "id",
                "name",
                "role",
                "created_by",
                "expires_at",
                "created_at",
                "revoked_at",
                "token"
              ],
              "additionalProperties": false
            },
            "AdminTokenPage": {
              "type": "object",
              "properties": {
                "result": {"type": "array", "items": {"$ref": "#/components/schemas/AdminToken"}},
                "next_cursor": {"type": ["string", "null"]}
              },
              "required": ["result", "next_cursor"],
              "additionalProperties": false
            },
            "Tool": {
              "type": "object",
              "properties": {
                "upstream": {"type": "string"},
                "tool": {"type": "string"},
                "method": {"type": ["string", "null"]},
                "effect": {"type": ["string", "null"]},
                "tags": {"type": "array", "items": {"type": "string"}},
                "state": {
                  "enum": ["approved", "waiting", "unseen", "unclassified"],
                  "description": "waiting and unclassified are hidden and denied."
                },
                "hash": {"type": ["string", "null"]},
                "waiting_hash": {"type": ["string", "null"], "description": "The definition to approve."},
                "changes": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "properties": {
                      "weight": {"enum": ["neutral", "text", "widening"]},
                      "change": {"type": "string"}
                    },
                    "required": ["weight", "change"],
                    "additionalProperties": false
                  },
                  "description": "What the waiting definition changes, in words."
                }
              },
              "required": [
                "upstream",
                "tool",
                "method",
                "effect",
                "tags",
                "state",
                "hash",
                "waiting_hash",
                "changes"
              ],
              "additionalProperties": false
            },
            "ToolPage": {
              "type": "object",
              "properties": {
                "result": {"type": "array", "items": {"$ref": "#/components/schemas/Tool"}},
                "next_cursor": {"type": ["string", "null"]}
              },
              "required": ["result", "next_cursor"],
              "additionalProperties": false
            },
            "Approval": {
              "type": "object",
              "properties": {
                "upstream": {"type": "string", "minLength": 1, "maxLength": 200},
                "tool": {"type": "string"},
                "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"}
              },
              "required": ["upstream", "tool", "hash"],
              "additionalProperties": false
            },
            "Question": {
              "type": "object",
              "properties": {
                "upstream": {"type": "string", "minLength": 1, "maxLength": 200},
                "tool": {"type": "string"},
                "arguments": {"type": "object"},
                "subject": {"type": "string", "minLength": 1, "maxLength": 200},
                "groups": {
                  "type": ["array", "null"],
                  "items": {"type": "string", "minLength": 1, "maxLength": 200}
                },
                "endpoint": {"type": "string", "format": "uuid"},
                "policy": {"type": "string", "minLength": 1, "maxLength": 200}
              },
              "required": ["upstream", "tool"],
              "additionalProperties": false
            },
            "Explanation": {
              "type": "object",
              "properties": {
                "allowed": {"type": "boolean"},
                "policy": {"type": "string"},
                "reason": {"type": ["string", "null"]},
                "message": {"type": ["string", "null"]},
                "allowing": {"type": "array", "items": {"type": "string"}},
                "rules": {
                  "type": "array",
                  "items": {
                    "type": "object",
                    "properties": {
                      "rule": {"type": "string"},
                      "decides": {"type": "boolean"},
                      "text": {"type": "string"}
                    },
                    "required": ["rule", "decides", "text"],
                    "additionalProperties": false
                  }
                }
              },
              "required": ["allowed", "policy", "reason", "message", "allowing", "rules"],
              "additionalProperties": false
            },
            "Anything": {"type": "object"},
            "Error": {
              "type": "object",
              "properties": {
                "statusCode": {"type": "integer"},
                "error": {"type": "string"},
                "message": {"type": "string"},
                "details": {
                  "type": "object",
                  "properties": {
                    "failures": {
                      "type": "array",
                      "items": {
                        "type": "object",
                        "properties": {"path": {"type": "string"}, "message": {"type": "string"}},
                        "required": ["path", "message"],
                        "additionalProperties": false
                      }
                    }
                  },
                  "required": ["failures"],
                  "additionalProperties": false
                }
              },
              "required": ["statusCode", "error", "message", "details"],
              "additionalProperties": false
            }
          }
        }
        """#
}
