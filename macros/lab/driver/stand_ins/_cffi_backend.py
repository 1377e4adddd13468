"""Stands for cffi's compiled part: enough for bindings that pass numbers and bytes.

There is no wheel of cffi for the browser. A bindings module made by cffi hands over the address of
its tables; from there its functions can be called by their addresses, with ctypes.
"""

import ctypes
from types import ModuleType

from lab.extensions import MADE

__version__ = "2.1.1"
_FUNCTIONS = {23, 25, 27}  # opcodes: with variable, no and one argument
_CONSTANTS = {11, 29, 31}  # opcodes: enumerators and constants, told by a function


class FFI:
    """The bindings' `ffi`: makes and reads memory."""

    NULL = 0
    error = TypeError

    def new(self, kind, initial=None):
        """Return an array of bytes: of a length, or with the bytes to begin with."""
        if not kind.endswith("[]"):
            raise NotImplementedError(f"{kind}: only arrays of bytes work in the lab")
        if isinstance(initial, int):
            return ctypes.create_string_buffer(initial)
        return ctypes.create_string_buffer(bytes(initial), len(initial) + (kind[0] == "c"))

    def string(self, value):
        """Return the bytes up to the first zero."""
        return ctypes.string_at(value)

    def buffer(self, value, size=None):
        """Return the bytes of an array."""
        return ctypes.string_at(value, len(value) if size is None else size)


def _init_cffi_1_0_external_module(address):
    name, _, _, context = (ctypes.c_uint32 * 4).from_address(address)
    _, table, *_ = (ctypes.c_uint32 * 6).from_address(context)
    (count,) = (ctypes.c_int32 * 1).from_address(context + 24)
    lib = ModuleType("lib")
    for index in range(count):
        entry = (ctypes.c_uint32 * 4).from_address(table + 16 * index)
        _define(lib, *entry)
    module = ModuleType(ctypes.string_at(name).decode())
    module.ffi, module.lib = FFI(), lib
    MADE[module.__name__] = module
    return module


def _define(lib, name, address, operation, direct):
    text, kind = ctypes.string_at(name).decode(), operation & 0xFF
    if kind in _FUNCTIONS and direct:
        setattr(lib, text, _function(direct))
    elif kind in _CONSTANTS and address:
        value = ctypes.c_uint64()
        read = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(address)
        negative = read(ctypes.addressof(value))
        setattr(lib, text, ctypes.c_int64(value.value).value if negative else value.value)


def _function(address):
    def call(*arguments):
        numbers = [one if isinstance(one, int) else ctypes.addressof(one) for one in arguments]
        kind = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint32] * len(numbers))
        return kind(address)(*numbers)

    return call
