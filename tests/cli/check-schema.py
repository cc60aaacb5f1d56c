"""check-schema.py SCHEMA accept|reject FILE... - holds suites against the schema.

YAML is read by its version 1.2's core schema, as the runner does: `on` and `no` are
strings, keys are strings. Says which files are not as they should be; exit status 1."""
import json
import re
import sys

import jsonschema
import yaml


class CoreLoader(yaml.SafeLoader):
    """SafeLoader with the core schema's scalars alone."""
    yaml_implicit_resolvers = {}


CORE = [
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
     "-+.0123456789"),
]
for kind, regex, first in CORE:
    CoreLoader.add_implicit_resolver("tag:yaml.org,2002:" + kind, re.compile(regex),
                                     list(first))
CoreLoader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])


def construct_int(loader, node):
    text = loader.construct_scalar(node)
    base = 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10
    return int(text[2:] if base != 10 else text, base)


CoreLoader.add_constructor("tag:yaml.org,2002:int", construct_int)


def string_keys(value):
    """Keys as the runner has them: what was written."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else json.dumps(key): string_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [string_keys(item) for item in value]
    return value


def main():
    schema_file, wanted, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(schema_file, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    status = 0
    for name in files:
        with open(name, encoding="utf-8") as file:
            suite = string_keys(yaml.load(file, CoreLoader))
        errors = list(validator.iter_errors(suite))
        if wanted == "accept" and errors:
            status = 1
            for error in errors:
                best = jsonschema.exceptions.best_match([error])
                print(f"{name}: {'/'.join(map(str, best.absolute_path))}: {best.message[:400]}")
        elif wanted == "reject" and not errors:
            status = 1
            print(f"{name}: is accepted")
    sys.exit(status)


main()
