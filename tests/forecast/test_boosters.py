"""A machine without the OpenMP runtime that LightGBM's wheels leave to the system."""

import sys

import pytest

from ninefold.forecast.boosters import NoOpenMP, load


class Lacking:
    """Finds LightGBM as a fresh machine does."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "lightgbm":
            raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")


def test_without_openmp_it_is_said_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Lacking(), *sys.meta_path])
    with pytest.raises(NoOpenMP, match=r"libgomp\.so\.1.*apt-get install libgomp1.*brew install libomp"):
        load()
