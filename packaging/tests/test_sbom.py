"""What packaging/sbom says of the packages, and that it has CycloneDX's shape."""

import re
import unittest

from script import load

sbom = load("sbom")


def target(name: str, *dependencies: dict) -> dict:
    return {"name": name, "dependencies": list(dependencies)}


def ours(name: str) -> dict:
    return {"byName": [name, None]}


def product(name: str, package: str) -> dict:
    return {"product": [name, package, None, None]}


def package(name: str, version: str, *dependencies: dict) -> dict:
    return {"identity": name.lower(), "name": name, "version": version,
            "url": f"https://example.org/{name}.git", "dependencies": list(dependencies)}


MANIFEST = {
    "products": [{"name": "jeeves-agent", "targets": ["AgentMain"]},
                 {"name": "jeeves", "targets": ["CoordinatorMain"]}],
    "targets": [
        target("Outside", product("NIOCore", "nio")),
        target("AgentMain", ours("Outside")),
        target("Store", ours("Outside"), product("GRDB", "GRDB.swift")),
        target("CoordinatorMain", ours("Store"), ours("Outside")),
        target("SomeTests", product("Forge", "forge")),
    ],
}
ATOMICS = package("atomics", "1.3.0")
TREE = {"dependencies": [
    package("nio", "2.101.0", ATOMICS, package("system", "1.8.0", ATOMICS)),
    package("GRDB.swift", "7.10.0"), package("forge", "1.0.0"),
]}
DEBS = {
    "jeeves-agent": {"architecture": "amd64", "sha256": "a" * 64,
                     "depends": ["libc6 (>= 2.35)", "libssl3 | libssl3t64", "libstdc++6"]},
    "jeeves": {"architecture": "amd64", "sha256": "b" * 64,
               "depends": ["libc6 (>= 2.35)", "libsqlite3-0"]},
}


class SbomTests(unittest.TestCase):
    def setUp(self):
        self.bom = sbom.document("0.1.0", 1767225600, DEBS, MANIFEST, TREE, "6.3.1")
        self.components = {part["name"]: part for part in self.bom["components"]}

    def below(self, name: str) -> set[str]:
        """The names of all that a component needs, directly or not."""
        needs = {entry["ref"]: entry["dependsOn"] for entry in self.bom["dependencies"]}
        names = {part["bom-ref"]: part["name"] for part in self.bom["components"]}
        waiting, found = [self.components[name]["bom-ref"]], set()
        while waiting:
            more = set(needs[waiting.pop()]) - found
            found |= more
            waiting += more
        return {names[ref] for ref in found}

    def test_each_package_needs_what_its_program_is_made_of_and_what_it_carries(self):
        agent = {"swift", "libc6", "libssl3", "libstdc++6", "nio", "atomics", "system"}
        self.assertEqual(self.below("jeeves-agent"), agent)
        own = {"jeeves-agent", "libsqlite3-0", "GRDB.swift"}
        self.assertEqual(self.below("jeeves"), agent | own)

    def test_what_only_tests_need_is_not_in_it(self):
        self.assertNotIn("forge", self.components)

    def test_a_component_has_its_version_its_place_and_the_packages_their_checksum(self):
        self.assertEqual(self.components["nio"]["version"], "2.101.0")
        self.assertEqual(self.components["nio"]["purl"], "pkg:swift/example.org/nio@2.101.0")
        self.assertEqual(self.components["libstdc++6"]["purl"], "pkg:deb/debian/libstdc%2B%2B6")
        self.assertEqual(self.components["libssl3"]["properties"][0]["value"],
                         "libssl3 | libssl3t64")
        self.assertEqual(self.components["jeeves"]["hashes"][0]["content"], "b" * 64)

    def test_it_has_the_required_fields_of_cyclonedx_1_5(self):
        self.assertEqual((self.bom["bomFormat"], self.bom["specVersion"]), ("CycloneDX", "1.5"))
        self.assertEqual(self.bom["version"], 1)
        self.assertEqual(self.bom["metadata"]["timestamp"], "2026-01-01T00:00:00Z")
        kinds = {"application", "framework", "library"}
        for part in [self.bom["metadata"]["component"], *self.bom["components"]]:
            self.assertIn(part["type"], kinds)
            self.assertTrue(part["name"])
            for digest in part.get("hashes", []):
                self.assertEqual(digest["alg"], "SHA-256")
                self.assertRegex(digest["content"], r"^[a-f0-9]{64}$")
            for reference in part.get("externalReferences", []):
                self.assertEqual(set(reference), {"type", "url"})
        for part in self.bom["components"]:
            self.assertTrue(re.fullmatch(r"pkg:[a-z]+/[^@\s]+(@[^@\s]+)?", part["purl"]))

    def test_every_reference_names_one_component(self):
        refs = [part["bom-ref"] for part in self.bom["components"]]
        self.assertEqual(len(refs), len(set(refs)))
        self.assertEqual(refs, [entry["ref"] for entry in self.bom["dependencies"]])
        for entry in self.bom["dependencies"]:
            self.assertLessEqual(set(entry["dependsOn"]), set(refs))
            self.assertEqual(len(entry["dependsOn"]), len(set(entry["dependsOn"])))


if __name__ == "__main__":
    unittest.main()
