"""What is wrong with the arguments of a constructor, said in one way by all classes of onfit."""

import difflib
import inspect
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args

from onfit.errors import ArgumentError, ArgumentTypeError, OnfitError, OnlyReadError, did_you_mean

# What a constructor that does not look at an argument first may end with, if the argument is wrong.
_RAW = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
)
_MEANINGS: dict[Any, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    NoneType: "None",
    Sequence[int]: "a tuple of whole numbers",
    Sequence[int | None]: "a tuple of whole numbers and None",
}
_NEAR = 0.85  # how alike an unknown name and an option are, if the one is taken for the other
_SHAPE = tuple[int | None, ...]
_SHOWN = 60  # letters of a value that an error text shows


Kind = TypeVar("Kind", bound=type)


class ChecksArguments:
    """A class whose subclasses, if they are written in onfit, say what is wrong with arguments.

    Arguments that are annotated as plain numbers, texts and truth values must be such; an unknown
    or a missing argument is named, with those there are. Subclasses that users write are left
    alone, but what they hand to the constructors of onfit is looked at.

    Example:
        >>> class Door(ChecksArguments):
        ...     def __init__(self, width: float = 1.0) -> None:
        ...         self.width = width
        >>> Door("wide")
        Traceback (most recent call last):
        onfit.errors.ArgumentTypeError: Door(width='wide'): width is a number.
        >>> Door(widht=2)
        Traceback (most recent call last):
        onfit.errors.ArgumentTypeError: Door(widht=...): there is no such argument. \
Did you mean 'width'? There are: width.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_class(cls)


def check_class(cls: Kind) -> Kind:
    """Have a class of onfit say what is wrong with arguments, and with what is assigned to it."""
    check_assignments(cls)
    return check_arguments(cls)


def check_arguments(cls: Kind) -> Kind:
    """Have the constructor of a class of onfit say what is wrong with its arguments.

    Args:
        cls: the class. One that another package or a user wrote stays as it is.
    """
    made: Any = vars(cls).get("__init__")
    if made is None or not _is_ours(cls):
        return cls

    @wraps(made)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            made(self, *args, **kwargs)
        except OnfitError:
            raise
        except _RAW as error:
            raise _explained(self, made, args, kwargs, error) from error
        wrong = _wrong(made, args, kwargs)
        if wrong:
            raise ArgumentTypeError(f"{type(self).__name__}{wrong}")

    setattr(cls, "__init__", checked)  # noqa: B010
    return cls


def check_assignments(cls: type) -> None:
    """Have the properties of a class of onfit say what is wrong with a value that is assigned.

    Args:
        cls: the class. One that another package or a user wrote stays as it is.
    """
    for name, found in list(vars(cls).items()) if _is_ours(cls) else ():
        if isinstance(found, property) and found.fset is None:
            setattr(cls, name, found.setter(_refusal(name)))
        elif isinstance(found, property) and found.fset and _annotated(found.fset)[1]:
            setattr(cls, name, found.setter(_checked(found.fset)))


def _refusal(name: str) -> Callable[[Any, Any], None]:
    def refuse(owner: Any, value: Any) -> None:
        raise OnlyReadError(
            f"{type(owner).__name__}.{name} = {_short(value)}: {name} is only read. Pass what it "
            "depends on when the object is made."
        )

    return refuse


def _checked(setter: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """The setter of a property, which says what is wrong with a value."""

    @wraps(setter)
    def checked(owner: Any, value: Any) -> None:
        described = f"{type(owner).__name__}.{setter.__name__} = {_short(value)}"
        if wrong := _wrong(setter, (value,), {}):
            raise ArgumentTypeError(f"{described}: {wrong.rpartition(': ')[2]}")
        setter(owner, value)

    return checked


def check_attributes(owner: Any) -> None:
    """Look at the options of an object that may have been set after it was made.

    Args:
        owner: the object. One whose class a user wrote has what attributes it likes.

    Raises:
        ArgumentTypeError: if one of them is no plain value of the kind that its argument has.
        ArgumentError: for an attribute that is nearly the name of an option.
    """
    if not _is_ours(type(owner)):
        return
    places = [vars(cls) for cls in type(owner).__mro__ if _is_ours(cls)]
    makers = [place["__init__"] for place in places if "__init__" in place]
    held, known = vars(owner), [name for made in makers for name in _known(made)]
    for made in makers:
        options = {name: held[name] for name in _annotated(made)[1] if name in held}
        if wrong := _wrong(made, (), options):
            raise ArgumentTypeError(f"{type(owner).__name__}{wrong}")
    for name in held:
        if name[0] != "_" and name not in known and not hasattr(type(owner), name):
            _refuse_misspelling(owner, name, known)


def _refuse_misspelling(owner: Any, name: str, known: Iterable[str]) -> None:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=_NEAR)
    if near:
        raise ArgumentError(
            f"{type(owner).__name__}.{name} was set, and there is no {name}. Did you mean "
            f"{near[0]!r}?"
        )


def _is_ours(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "onfit"


def _explained(
    self: Any, made: Any, args: Any, kwargs: Mapping[str, Any], error: Exception
) -> ArgumentTypeError:
    """The error for the user, of the one that a constructor ended with."""
    name, known = type(self).__name__, _known(made)
    takes = f"There are: {', '.join(known) or 'none'}."
    unknown = [] if _takes_any(made) else [each for each in kwargs if each not in known]
    if unknown:
        hint = did_you_mean(unknown[0], known)
        return ArgumentTypeError(
            f"{name}({unknown[0]}=...): there is no such argument.{hint} {takes}"
        )
    try:
        inspect.signature(made).bind(self, *args, **kwargs)
    except TypeError as why:
        hint = "".join(did_you_mean(each, known) for each in kwargs if each not in known)
        return ArgumentTypeError(f"{name}(...): {why}.{hint} {takes}")
    wrong = _wrong(made, args, kwargs)
    if wrong:
        return ArgumentTypeError(f"{name}{wrong}")
    given = ", ".join([*map(_short, args), *(f"{k}={_short(v)}" for k, v in kwargs.items())])
    return ArgumentTypeError(f"{name}({given}) cannot be made: {error}. {takes}")


def _short(value: Any) -> str:
    return repr(value)[:_SHOWN]


def _wrong(made: Any, args: Iterable[Any], kwargs: Mapping[str, Any]) -> str:
    """What is wrong with the first argument that is not what its annotation says; else empty."""
    places, kinds = _annotated(made)
    for name, value in (*zip(places, args, strict=False), *kwargs.items()):
        allowed = kinds.get(name)
        if allowed and not any(_FITS[kind](value, name) for kind in allowed):
            meant = " or ".join(_MEANINGS[kind] for kind in allowed)
            return f"({name}={_short(value)}): {name} is {meant}."
    return ""


@cache
def _annotated(made: Callable[..., Any]) -> tuple[tuple[str, ...], dict[str, tuple[Any, ...]]]:
    """The arguments that may stand by place; and those that are plain values, with their kinds."""
    given = list(inspect.signature(made).parameters.values())[1:]
    by_place = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.POSITIONAL_ONLY)
    places = tuple(p.name for p in given if p.kind in by_place)
    kinds = {p.name: _kinds_of(p.annotation) for p in given if p.kind is not p.VAR_KEYWORD}
    return places, {name: kind for name, kind in kinds.items() if kind}


def _kinds_of(annotation: Any) -> tuple[Any, ...]:
    """The plain kinds that an annotation names; none if it names something else, too."""
    found = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    found = tuple(Sequence[int | None] if kind == _SHAPE else kind for kind in found)
    return tuple(found) if all(kind in _MEANINGS for kind in found) else ()


def check_flags(asked: str, **flags: Any) -> None:
    """Refuse arguments of the method `asked` that are neither true nor false.

    Raises:
        ArgumentTypeError: naming the first of them.
    """
    for name, value in flags.items():
        if not _is_truth(value, name):
            raise ArgumentTypeError(f"{asked}({name}={_short(value)}): {name} is True or False.")


def _is_truth(value: Any, name: str) -> bool:
    return isinstance(value, bool) or type(value).__name__ == "bool" or is_whole(value, name)


def is_whole(value: Any, name: str) -> bool:
    """Whether `value`, of the argument `name`, is a whole number."""
    if isinstance(value, bool):
        return name == "verbose"  # Keras' scripts write verbose=True
    if isinstance(value, numbers.Integral):
        return True
    return is_number(value, name) and float(value).is_integer()


def is_number(value: Any, name: str) -> bool:
    """Whether `value`, of the argument `name`, is a number that is not NaN."""
    if isinstance(value, (bool, str, bytes)):
        return False
    if isinstance(value, numbers.Real):
        return bool(value == value)
    try:  # one of numpy's or torch's, of no axis
        return not getattr(value, "shape", (1,)) and float(value) == float(value)
    except (TypeError, ValueError):
        return False


def _each(value: Any) -> Iterable[Any]:
    """The parts of a list; of anything else one that fits nowhere."""
    is_list = hasattr(value, "__iter__") and not isinstance(value, (str, bytes, Mapping))
    return value if is_list and getattr(value, "shape", None) != () else [object()]


_FITS: dict[Any, Callable[[Any, str], bool]] = {
    bool: _is_truth,
    int: is_whole,
    float: is_number,
    str: lambda value, name: isinstance(value, str),
    NoneType: lambda value, name: value is None,
    Sequence[int]: lambda value, name: all(is_whole(each, name) for each in _each(value)),
    Sequence[int | None]: lambda value, name: all(
        each is None or is_whole(each, name) for each in _each(value)
    ),
}


@cache  # since each run asks it of each of its callbacks
def _known(made: Callable[..., Any]) -> tuple[str, ...]:
    given = list(inspect.signature(made).parameters.values())[1:]
    return tuple(p.name for p in given if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))


def _takes_any(made: Any) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(made).parameters.values())
