"""docs/commands.md names each command of the shell, in the words of `liqtui --help`."""

from pathlib import Path

from liqtui.cli.arguments import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_the_page_lists_the_commands_of_the_shell() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `liqtui ")]
    assert rows == [f"| `liqtui {name}` | {does} |" for name, does in COMMANDS.items()]
