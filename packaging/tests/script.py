"""Loads a script of packaging, whose name is no module's."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType


def load(name: str) -> ModuleType:
    loader = SourceFileLoader(name, str(Path(__file__).resolve().parent.parent / name))
    module = module_from_spec(spec_from_loader(name, loader))
    loader.exec_module(module)
    return module
