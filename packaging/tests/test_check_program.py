"""What packaging/check-program reads from objdump, and what it refuses."""

import unittest

from script import load

CONTROL = "Package: x\nDepends: libc6 (>= 2.35), libssl3 | libssl3t64, libgcc-s1\nSuggests: libz\n"

HEADERS = """
Dynamic Section:
  NEEDED               libssl.so.3
  NEEDED               libc.so.6
  RUNPATH              $ORIGIN

Version References:
  required from libc.so.6:
    0x069691b4 0x00 03 GLIBC_2.34
    0x069691b5 0x00 35 GLIBC_2.35
  required from libssl.so.3:
    0x06702b20 0x00 37 OPENSSL_3.0.0
"""

TABLE = """
DYNAMIC SYMBOL TABLE:
0000000000000000      DF *UND*\t0000000000000000 (GLIBC_2.36) arc4random
0000000000000000      DF *UND*\t0000000000000000              sqlite3_open_v2
0000000000000000  w   D  *UND*\t0000000000000000  Base        _ITM_registerTMCloneTable
0000000000a0f7d0 g    DF .text\t0000000000000013  Base        main
"""


check = load("check-program")


class CheckProgramTests(unittest.TestCase):
    def test_a_program_that_runs_there_has_no_faults(self):
        self.assertEqual(check.faults(HEADERS, TABLE, CONTROL), [])

    def test_the_symbol_that_is_too_new_is_named(self):
        headers = HEADERS.replace("GLIBC_2.35", "GLIBC_2.36")
        self.assertEqual(
            check.faults(headers, TABLE, CONTROL),
            ["it needs arc4random of GLIBC_2.36, which Ubuntu 22.04 does not have"],
        )

    def test_a_version_is_compared_number_by_number(self):
        self.assertTrue(check.is_there("GLIBC_2.4"))
        self.assertTrue(check.is_there("GLIBC_2.2.5"))
        self.assertFalse(check.is_there("GLIBC_2.100"))
        self.assertFalse(check.is_there("GLIBC_3"))

    def test_a_version_without_a_number_or_of_an_unknown_family_is_refused(self):
        for version in ["GLIBC_ABI_DT_RELR", "GLIBC_PRIVATE", "ZLIB_1.2.9", "Base"]:
            headers = HEADERS.replace("GLIBC_2.34", version)
            self.assertEqual(len(check.faults(headers, TABLE, CONTROL)), 1, version)

    def test_a_library_of_a_package_that_is_not_in_depends_is_named(self):
        control = CONTROL.replace("libssl3 | libssl3t64", "libssl1.1")
        self.assertEqual(
            check.faults(HEADERS, TABLE, control),
            ["it needs libssl.so.3, but its package does not depend on libssl3"],
        )

    def test_a_library_that_nobody_brings_is_named(self):
        headers = HEADERS.replace("libssl.so.3", "libz.so.1")
        self.assertIn("libz.so.1", check.faults(headers, TABLE, CONTROL)[0])

    def test_depends_is_read_with_versions_and_alternatives(self):
        self.assertEqual(
            check.depends(CONTROL), {"libc6", "libssl3", "libssl3t64", "libgcc-s1"})
        self.assertEqual(check.depends("Package: x\n"), set())

    def test_only_undefined_symbols_with_a_version_are_read(self):
        self.assertEqual(check.users(TABLE)["GLIBC_2.36"], "arc4random")
        self.assertNotIn("main", check.users(TABLE).values())


if __name__ == "__main__":
    unittest.main()
