import Bytes
import JSON

/// Output schemas that clients hold results to: one that allows nothing extra, one with formats, one that is loose.
enum Schemas {
    private static let text: JSONValue = ["type": "string"]
    private static let integer: JSONValue = ["type": "integer"]
    private static let flag: JSONValue = ["type": "boolean"]
    private static let textOrNull: JSONValue = ["type": ["string", "null"]]

    static let foundApps: JSONValue = [
        "type": "object",
        "properties": [
            "apps": [
                "type": "array",
                "items": [
                    "type": "object",
                    "properties": [
                        "id": integer, "name": text, "category": text, "url": text, "isHidden": flag, "imageUrl": text,
                    ],
                    "required": ["id", "name", "category", "url", "isHidden", "imageUrl"],
                    "additionalProperties": false,
                ],
            ]
        ],
        "required": ["apps"], "additionalProperties": false,
    ]

    static let user: JSONValue = [
        "type": "object",
        "properties": [
            "user": [
                "type": "object",
                "properties": [
                    "id": integer, "idOrg": integer, "firstName": ["type": "string", "minLength": 1],
                    "lastName": ["type": "string", "minLength": 1],
                    "email": ["type": "string", "format": "email", "pattern": "^[^@ ]+@[^@ ]+$"],
                    "creationTime": ["type": "string", "format": "date-time"], "idRole": integer, "role": text,
                    "lifecycleStatus": ["type": "string", "enum": ["active", "offboarding", "offboarded"]],
                    "isDeletedInIdentitySources": flag, "isExternal": flag,
                    "activeAppsCount": ["type": "integer", "minimum": 0],
                    "additionalEmails": ["type": "array", "items": ["type": "string", "format": "email"]],
                    "c_department": textOrNull, "c_personalPhone": textOrNull,
                    "c_costCenter": ["type": ["integer", "null"]],
                ],
                "required": [
                    "id", "idOrg", "firstName", "lastName", "email", "lifecycleStatus", "additionalEmails",
                    "c_personalPhone",
                ],
                "additionalProperties": false,
            ]
        ],
        "required": ["user"], "additionalProperties": false,
    ]

    static let contracts: JSONValue = [
        "type": "object",
        "$defs": [
            "money": [
                "type": "object",
                "properties": [
                    "value": ["type": "integer", "minimum": 0],
                    "currency": ["type": "string", "pattern": "^[A-Z]{3}$"],
                ],
                "required": ["value", "currency"], "additionalProperties": false,
            ]
        ],
        "properties": [
            "contracts": [
                "type": "array",
                "items": [
                    "type": "object",
                    "properties": [
                        "id": integer, "name": text,
                        "status": ["type": "string", "enum": ["active", "pipeline", "closed"]],
                        "amount": ["anyOf": [["$ref": "#/$defs/money"], integer, ["type": "null"]]],
                        "amountConverted": ["$ref": "#/$defs/money"],
                    ],
                ],
            ],
            "count": integer, "total": integer, "nextCursor": textOrNull,
        ],
        "required": ["contracts"],
    ]
}
