"""Texts, numbers and paths of a command line read at once; typer's own way loads pydantic, a quarter of a second each start.

In:  a command as typer makes it. Out: the same command; what is not plain, or cannot be read, goes typer's own way, which
     also knows what to say of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from typer import Context
from typer._coercion import RuntimeParam, build_runtime_param
from typer._param_types import coerce_cli_path

if TYPE_CHECKING:
    from typer._click import Context as AnyContext
    from typer._click.core import Command
    from typer.core import _TyperParameter

WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
NOT_PLAIN = object()


def read_plainly(command: Command) -> None:
    """Read the values of this command's options and arguments that way."""
    for one in command.get_params(Context(command)):  # --help among them
        described = getattr(one, "type_descriptor", None)
        if described is not None and not described.is_file:
            one._runtime_param = _Plain(described.parameter_info, described.annotation)  # type: ignore[attr-defined]


class _Plain(RuntimeParam):
    def _coerce_value(self, value: Any, param: _TyperParameter, ctx: AnyContext) -> Any:
        found = self._read(self.annotation, value, param, ctx)
        if found is NOT_PLAIN:
            return build_runtime_param(param.type_descriptor)._coerce_value(value, param=param, ctx=ctx)
        return found

    def _read(self, kind: Any, value: Any, param: _TyperParameter, ctx: AnyContext) -> Any:
        info = self.parameter_info
        if info.parser is not None or info.min is not None or info.max is not None:
            return NOT_PLAIN
        if get_origin(kind) is list and isinstance(value, list | tuple):
            each = [self._read(get_args(kind)[0], one, param, ctx) for one in value]
            return NOT_PLAIN if NOT_PLAIN in each else each
        if kind is Path and isinstance(value, str | Path):
            return coerce_cli_path(Path(value), info, path_type=Path, param=param, ctx=ctx)
        if kind in (str, bool) and type(value) is kind:
            return value
        if kind is int and (type(value) is int or (isinstance(value, str) and WHOLE.fullmatch(value))):
            return int(value)
        if kind is float and (type(value) in (int, float) or (isinstance(value, str) and DECIMAL.fullmatch(value))):
            return float(value)
        return NOT_PLAIN
