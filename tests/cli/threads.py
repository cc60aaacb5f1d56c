"""threads.py RUNNER PLUGIN_PATH SUITE NAME: does the suite have each verb of the plugin NAME in each of the
forms `parallel`, `first_of`, `background` and `load`, in branches or users that are really several?"""
import subprocess
import sys

import yaml

FORMS = ("parallel", "first_of", "background", "load")
NOT_IN_A_LOAD = {"background", "join", "load"}


def branches(form, value):
    """Lists of steps that run at the same time."""
    if form == "parallel":
        return [[step] for step in value]
    if form == "first_of":
        return [[step] for step in value.values()]
    return [value["do"] if form == "background" else value["steps"]]


def verbs_below(node, keywords, seen):
    """Names of all that is called by these steps, keywords followed."""
    if isinstance(node, list):
        return set().union(*(verbs_below(child, keywords, seen) for child in node))
    if not isinstance(node, dict):
        return set()
    found = set()
    for key, value in node.items():
        found.add(key)
        name = key.removeprefix("my.") if isinstance(key, str) else None
        if name in keywords and name != key and name not in seen:
            found |= verbs_below(keywords[name]["steps"], keywords, seen | {name})
        found |= verbs_below(value, keywords, seen)
    return found


def forms_in(node):
    """Pairs of a form and its steps, wherever they are."""
    if isinstance(node, list):
        for child in node:
            yield from forms_in(child)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in FORMS:
                yield key, branches(key, value)
            yield from forms_in(value)


def main():
    runner, plugin_path, path, name = sys.argv[1:]
    listed = subprocess.run([runner, "plugins", "--plugin-path", plugin_path, "--verbs", name], check=True,
                            capture_output=True, text=True).stdout.split()
    with open(path, encoding="utf-8") as file:
        suite = yaml.safe_load(file)
    called = {form: set() for form in FORMS}
    for form, steps in forms_in(suite["tests"]):
        called[form] |= verbs_below(steps, suite.get("keywords", {}), frozenset())
    missing = [f"{verb} in {form}" for form in FORMS for verb in listed
               if verb not in called[form] and not (form == "load" and verb in NOT_IN_A_LOAD)]
    if not listed or missing:
        sys.exit(f"{path}: not called: {', '.join(missing) or 'anything'}")


main()
