"""The answers of the bench's upstream: realistic lists of invented people, apps and contracts, of known sizes."""
import json

FIRST = ["Maren", "Teodor", "Ifeoma", "Anouk", "Dag", "Yusra", "Pekka", "Lindiwe", "Bram", "Soraya"]
LAST = ["Okonjo-Lysgaard", "Abramczyk", "Brandt", "Vantaa", "Quillfeather", "Osei-Bonsu", "Marchetti", "Rautio"]

VERBS = [("list", "read"), ("get", "read"), ("search", "read"), ("create", "write"), ("update", "write"),
         ("delete", "destructive")]
NOUNS = ["apps", "users", "contracts", "audit_logs", "transactions", "workflows", "roles"]


def person(number):
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    handle = f"{first.lower()}.{last.split('-')[0].lower()}{number}"
    return {
        "id": 41000 + number, "idOrg": 318, "firstName": first, "lastName": last,
        "email": f"{handle}@northquay.example", "creationTime": "2023-04-17T08:12:44.000Z", "idRole": 1 + number % 7,
        "role": "Member", "lifecycleStatus": "active", "isDeletedInIdentitySources": False, "isExternal": False,
        "activeAppsCount": number % 40, "additionalEmails": [f"{handle}+billing@okonjo.example"],
        "c_department": "Field Engineering", "c_personalPhone": f"(202) 555-01{number % 100:02d}",
        "c_costCenter": 4400 + number % 50,
        "annualCost": {"value": 15000 + number, "currency": "EUR"},
    }


def users(least_bytes):
    """A `tools/call` result whose text is a list of users of at least so many bytes."""
    people, size = [], 0
    while size < least_bytes:
        people.append(person(len(people)))
        size += len(json.dumps(people[-1], separators=(",", ":"))) + 30
    text = json.dumps({"users": people, "count": len(people), "total": 812}, separators=(",", ":"))
    return {"content": [{"type": "text", "text": text}], "isError": False}


def tools():
    """Forty definitions of about 1,250 bytes each, and the catalogue that classifies them."""
    listed, catalogue = [], ["komainu: 1", "catalog: bench", "tools:"]
    for verb, effect in VERBS:
        for noun in NOUNS:
            if len(listed) == 40:
                break
            name = f"{verb}_{noun}"
            fields = {
                field: {"type": kind, "description": f"{field} of the {noun.replace('_', ' ')}. " + "Leave out to "
                        "use the default of the organisation; see the guide for what is accepted here."}
                for field, kind in [("size", "integer"), ("cursor", "string"), ("sort", "string"), ("q", "string"),
                                    ("fields", "string"), ("filters", "string")]
            }
            listed.append({
                "name": name, "title": f"{verb.title()} {noun.replace('_', ' ')}",
                "description": f"{verb.title()} the {noun.replace('_', ' ')} of your Torii organisation. " * 4,
                "inputSchema": {"type": "object", "properties": fields},
                "annotations": {"readOnlyHint": effect == "read", "destructiveHint": effect == "destructive"},
            })
            catalogue.append(f"  {name}: {{method: {verb}, effect: {effect}, tags: [{noun.split('_')[0]}]}}")
    return {"tools": listed}, "\n".join(catalogue) + "\n"


def write(folder):
    """Writes the replies as files named after the tool they answer; returns the catalogue."""
    listed, catalogue = tools()
    for name, result in [("get_users", users(1900)), ("list_users", users(50_000)), ("tools-list", listed)]:
        (folder / f"{name}.json").write_text(json.dumps(result, separators=(",", ":")), encoding="utf-8")
    return catalogue
