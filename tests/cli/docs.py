"""docs.py DOCUMENT - runs what a document shows; the conventions are in docs.sh."""
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap

TIMEOUT = 120  # seconds for one command


class Wrong(Exception):
    pass


def run(command, folder):
    try:
        done = subprocess.run(["sh", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise Wrong(f"`{command}` did not end within {TIMEOUT} s") from None
    return done.returncode, done.stdout.decode("utf-8", "replace")


# ---- what is printed, compared ----

def plain(line):
    """Without what differs from run to run."""
    line = re.sub(r"\b\d+(\.\d+)? (ns|us|µs|ms|s)\b", "TIME", line)
    line = re.sub(r"\d+(\.\d+)?", "N", line)
    return re.sub(r"\s+", " ", line).strip()


def same(shown, printed):
    """Do the lines match?  `[…]` stands for any number of lines."""
    if not shown:
        return not printed
    if shown[0].strip() == "[…]":
        return any(same(shown[1:], printed[i:]) for i in range(len(printed) + 1))
    return bool(printed) and plain(shown[0]) == plain(printed[0]) and same(shown[1:], printed[1:])


def without_blank_ends(lines):
    lines = list(lines)
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    return lines


def without_slow_tests(lines):
    """Without the section of tests that took a second or more: on a busy machine any test can."""
    kept, inside = [], False
    for line in lines:
        inside = line == "slowest:" or inside and line.startswith("  ")
        if not inside:
            kept.append(line)
    return kept


def run_console(block, status, folder):
    """Runs the commands; returns the folder in which they have left the reader."""
    commands = []
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append([line[2:], []])
        elif commands:
            commands[-1][1].append(line)
        else:
            raise Wrong("a console block begins with `$ COMMAND`")
    for i, (command, shown) in enumerate(commands):
        if command.startswith("cd "):
            folder = os.path.join(folder, command[3:])
            continue
        wanted = status if i == len(commands) - 1 else 0
        got, printed = run(command, folder)
        if got != wanted:
            raise Wrong(f"`{command}` ended with {got} instead of {wanted}:\n{printed}")
        if not same(*(without_slow_tests(without_blank_ends(lines)) for lines in (shown, printed.splitlines()))):
            raise Wrong(f"`{command}` printed something else:\n{printed}")
    return folder


# ---- suites ----

PLAIN_HEAD = "suite: Examples\n"


class Suites:
    """What POD files and blocks of steps need: a head, and what was printed last."""

    def __init__(self, folder):
        self.folder = folder
        self.head = PLAIN_HEAD
        self.printed = ""
        self.tests = []  # collected, to be run together

    def write(self, text):
        path = os.path.join(self.folder, "example.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return "example.yaml"

    def with_steps(self, steps, name="an example"):
        return f"{self.head}tests:\n  - test: {name}\n    steps:\n" + textwrap.indent(steps, "      ") + "\n"

    def run(self, options, text, wanted):
        got, self.printed = run(f"runner {options} {self.write(text)}", self.folder)
        if got != wanted:
            raise Wrong(f"runner {options} ended with {got} instead of {wanted}:\n{self.printed}")

    def suite(self, text):
        self.run("check", text, 0)

    def run_suite(self, text):
        self.run("check", text, 0)
        self.run("", text, 0)

    def steps(self, text):
        self.run("", self.with_steps(text), 0)

    def test(self, text):
        self.run("", f"{self.head}tests:\n{textwrap.indent(text, '  ')}\n", 0)

    def fails(self, text):
        self.run("check", self.with_steps(text), 0)
        got, self.printed = run("runner example.yaml", self.folder)
        if got not in (1, 3):
            raise Wrong(f"it ended with {got}, and should fail:\n{self.printed}")

    def fault(self, text):
        self.run("check", text if text.startswith("suite:") else self.with_steps(text), 2)

    def says(self, text):
        printed = [plain(line) for line in self.printed.splitlines()]
        for line in without_blank_ends(text.splitlines()):
            if not any(plain(line) in there for there in printed):
                raise Wrong(f"this is not printed: {line}\nbut:\n{self.printed}")


def write_file(folder, name, text):
    path = os.path.join(folder, name)
    if os.path.dirname(name):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def change_file(folder, name, block):
    """Applies a difference: its lines without + stand in the file once, and become those without -."""
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    lines = block.splitlines()
    before = "".join(line[1:] + "\n" for line in lines if line[:1] != "+")
    after = "".join(line[1:] + "\n" for line in lines if line[:1] != "-")
    if text.count(before) != 1:
        raise Wrong(f"{name} has {text.count(before)} places for this change")
    write_file(folder, name, text.replace(before, after))


# ---- documents ----

def markdown_blocks(text):
    """(line, info string, text) of all fenced blocks."""
    lines, number = text.splitlines(), 0
    while number < len(lines):
        fence = re.match(r"```(.*)$", lines[number])
        number += 1
        if not fence:
            continue
        start = number
        while number < len(lines) and lines[number] != "```":
            number += 1
        if number == len(lines):
            raise Wrong(f"line {start}: the block does not end")
        yield start, fence.group(1).split(), "\n".join(lines[start:number]) + "\n"
        number += 1


def check_links(text, path):
    """Links to files, in this folder and others, lead somewhere."""
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        if not os.path.exists(os.path.join(os.path.dirname(path), target)):
            yield f"the link to {target} leads nowhere"


def check_markdown(text, folder):
    suites, done, wrongs = Suites(folder), 0, []
    for line, info, block in markdown_blocks(text):
        options = dict(word.split("=", 1) for word in info[1:] if "=" in word)
        try:
            if info[:1] == ["diff"] and "file" in options:
                change_file(folder, options["file"], block)
            elif "file" in options:
                write_file(folder, options["file"], block)
            elif info[:1] == ["console"]:
                folder = run_console(block, int(options.get("status", 0)), folder)
            elif "steps" in info[1:]:
                suites.steps(block)
            elif "suite" in info[1:]:
                suites.suite(block)
            else:
                continue
        except Wrong as wrong:
            wrongs.append(f"line {line}: {wrong}")
        done += 1
    return done, wrongs


def pod_examples(text):
    """(line, what, text) of the verbatim paragraphs behind each `=for runner`."""
    line, what, at, parts = 1, None, 0, []
    for paragraph in re.split(r"(\n[ \t]*\n)", text):
        verbatim = paragraph[:1] in (" ", "\t") and paragraph.strip()
        command = re.match(r"=for runner (?!parameters$)(.*)", paragraph)
        if paragraph.strip() and not verbatim and what:
            if not parts:
                raise Wrong(f"line {at}: nothing follows `=for runner {what}`")
            yield at, what, textwrap.dedent("\n\n".join(parts)) + "\n"
            what = None
        if command:
            what, at, parts = command.group(1).strip(), line, []
        elif verbatim and what:
            parts.append(paragraph)
        line += paragraph.count("\n")
    if what:
        raise Wrong(f"line {at}: the document ends within an example")


def check_pod(text, folder):
    suites, done, wrongs = Suites(folder), 0, []
    for line, what, example in pod_examples(text):
        try:
            if what.startswith("file "):
                write_file(folder, what[5:], example)
            elif what == "console":
                run_console(example, 0, folder)
            elif what == "head":
                suites.head = example
            elif what == "run":
                suites.run_suite(example)
            elif what in ("suite", "test", "steps", "fails", "fault", "says"):
                getattr(suites, what)(example)
            else:
                raise Wrong(f"`=for runner {what}` is unknown")
        except Wrong as wrong:
            wrongs.append(f"line {line}: {wrong}")
        done += 1
    return done, wrongs


def end_programs(folder):
    """What a document started in the background, and did not come to end."""
    for path in glob.glob(os.path.join(glob.escape(folder), "**", "*.pid"), recursive=True):
        with open(path, encoding="ascii") as file:
            number = file.read().strip()
        try:
            os.kill(int(number), signal.SIGTERM)
        except (ValueError, ProcessLookupError):
            pass  # it has ended


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    check = check_pod if path.endswith(".pod") else check_markdown
    with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:
        try:
            done, wrongs = check(text, folder)
        except Wrong as wrong:
            done, wrongs = 0, [wrong]
        finally:
            end_programs(folder)
    if path.endswith(".md"):
        wrongs += check_links(text, path)
    for wrong in wrongs:
        print(f"{path}: {wrong}", file=sys.stderr)
    print(f"{path}: {done} examples")
    return 1 if wrongs else 0


sys.exit(main(sys.argv[1]))
