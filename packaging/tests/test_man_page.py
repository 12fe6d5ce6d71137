"""What packaging/man-page makes of a program's description of itself."""

import unittest

from script import load

man = load("man-page")


def argument(name: str, kind: str = "option", **more) -> dict:
    found = {
        "kind": kind, "valueName": name, "abstract": f"About {name}.", "isOptional": True,
        "isRepeating": False, "parsingStrategy": "default", "shouldDisplay": True,
    }
    if kind != "positional":
        found["names"] = [{"kind": "long", "name": name}]
    return found | more


def program(*commands: dict) -> dict:
    return {"command": {"commandName": "p", "abstract": "P.", "subcommands": list(commands)}}


class ManPageTests(unittest.TestCase):
    common = argument("help", "flag", names=[{"kind": "long", "name": "help"},
                                             {"kind": "short", "name": "h"}])

    def page(self, *own: dict, discussion: str = "") -> str:
        one = {"commandName": "one", "abstract": "One.", "discussion": discussion,
               "arguments": [*own, self.common]}
        two = {"commandName": "two", "abstract": "Two.", "arguments": [self.common]}
        helps = {"commandName": "help", "abstract": "Help.", "arguments": []}
        source = ".TH P 1 @DATE@ @VERSION@\n@SYNOPSIS@\n@OPTIONS@\n@COMMANDS@"
        return man.fill(source, program(one, two, helps), "1.2", "today")

    def test_the_gaps_are_filled(self):
        page = self.page()
        self.assertIn(".TH P 1 today 1.2\n", page)
        self.assertNotIn("@", page)

    def test_what_every_command_has_is_described_once_and_help_is_no_command(self):
        page = self.page()
        self.assertEqual(page.count("About help."), 1)
        self.assertIn("\\fB\\-h\\fR, \\fB\\-\\-help\\fR", page)
        self.assertNotIn("Help.\n", page)

    def test_a_synopsis_shows_what_may_be_left_out_or_repeated(self):
        page = self.page(
            argument("node", "positional", isOptional=False),
            argument("replace", isRepeating=True), argument("yes", "flag"),
            argument("rest", "positional", isRepeating=True, parsingStrategy="postTerminator"))
        self.assertIn(
            "\\fBp one\\fR \\fInode\\fR [\\fB\\-\\-replace\\fR \\fIreplace\\fR ...]"
            " [\\fB\\-\\-yes\\fR] [\\fB\\-\\-\\fR \\fIrest\\fR ...]\n", page)

    def test_values_and_default_are_named(self):
        page = self.page(argument("output", allValues=["table", "json"], defaultValue="table"))
        self.assertIn("About output. (one of table, json; default table)", page)

    def test_an_example_keeps_its_lines_and_can_be_copied(self):
        page = self.page(discussion="Words.\n\n  p one --a 'b'\n  .p two\n")
        self.assertIn(".nf\np one \\-\\-a \\(aqb\\(aq\n\\&.p two\n.fi", page)

    def test_words_that_are_typed_are_bold_and_no_line_becomes_a_request(self):
        page = self.page(discussion=".hidden is `p two`, or --yes; a\\b stays")
        self.assertIn("\\&.hidden is \\fBp two\\fR, or \\fB\\-\\-yes\\fR; a\\eb stays\n", page)

    def test_what_is_not_shown_in_the_help_is_not_in_the_page(self):
        self.assertNotIn("secret", self.page(argument("secret", shouldDisplay=False)))


if __name__ == "__main__":
    unittest.main()
