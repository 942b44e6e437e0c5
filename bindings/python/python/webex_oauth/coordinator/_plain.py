"""Small classes that only have members. The standard library's dataclasses take a tenth of a second to be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: object) -> Callable[[type], type]:
        return lambda kind: kind


__all__ = ["Plain"]


@dataclass_transform(frozen_default=True)
class Plain:
    """Members are given in their order or by name, and do not change."""

    if not TYPE_CHECKING:
        __match_args__ = ()

        def __init_subclass__(cls):
            cls.__match_args__ = tuple(cls.__annotations__)

        def __init__(self, *values: object, **members: object) -> None:
            cls = type(self)
            names = cls.__match_args__
            if len(values) > len(names):
                raise TypeError(f"{cls.__name__} has {len(names)} members, not {len(values)}")
            given = dict(zip(names, values, strict=False))
            for name, value in members.items():
                if name not in names or name in given:
                    raise TypeError(f"{cls.__name__}: {name!r} is no member, or given twice")
                given[name] = value
            for name in names:
                if name not in given and not hasattr(cls, name):
                    raise TypeError(f"{cls.__name__} needs {name!r}")
            self.__dict__.update(given)

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(f"{type(self).__name__} does not change")

    def _members(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._names())

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        names: tuple[str, ...] = getattr(cls, "__match_args__", ())
        return names

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._members() == other._members()

    def __hash__(self) -> int:
        return hash((type(self), self._members()))

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={value!r}" for name, value in zip(self._names(), self._members(), strict=True))
        return f"{type(self).__name__}({members})"
