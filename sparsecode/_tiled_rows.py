"""A few rows kept as tiles, and their products with a vector.

The rows are cut into pieces of `WIDTH` entries. A tile holds the pieces of all rows that belong to
the same columns, so that all that a product reads lies in one place.
"""

from __future__ import annotations

import numba
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic, overload

from sparsecode._simd import (
    ARRAY_1D,
    ARRAY_2D,
    VECTOR,
    WIDTH,
    address_of,
    load_vector,
    multiply_add,
    scalar_at,
    splat,
    store_vector,
    sum_of,
    vector_at,
)

# Rows that are kept together: as many products with them fit in the registers of a processor.
TILE_ROWS = 4


def add_tiled(tiles, first, last, scales, start, vector, out):
    """Add ``vector @ rows.T * scales @ rows`` to `out`, of few rows that are kept as tiles.

    A tile, a row of `tiles`, has `TILE_ROWS` times `WIDTH` entries; those from `first` to `last`
    hold the rows from left to right. `start` is the place of their scales.
    """
    n_tiles = last - first
    rows = tiles[first:last].reshape(n_tiles, TILE_ROWS, WIDTH).swapaxes(0, 1)
    rows, here = rows.reshape(TILE_ROWS, -1), slice(0, n_tiles * WIDTH)
    out[here] += (rows @ vector[here] * scales[start : start + TILE_ROWS]) @ rows


def put_in_tiles(tiles, first, last, r, row):
    """Write `row`, from its start, as row `r` of tiles; see `add_tiled`."""
    n_tiles, here = last - first, slice(r * WIDTH, (r + 1) * WIDTH)
    tiles[first:last, here] = row[: n_tiles * WIDTH].reshape(n_tiles, WIDTH)


@overload(add_tiled)
def _typed_add_tiled(tiles, first, last, scales, start, vector, out):
    def implementation(tiles, first, last, scales, start, vector, out):
        _add_tiled(tiles, first, last, scales, start, vector, out)

    return implementation


@overload(put_in_tiles)
def _typed_put_in_tiles(tiles, first, last, r, row):
    def implementation(tiles, first, last, r, row):
        _put_in_tiles(tiles, first, last, r, row)

    return implementation


@intrinsic
def _add_tiled(context, tiles, first, last, scales, start, vector, out):
    def generate(context, builder, signature, arguments):
        tiles, first, last, scales, start, vector, out = arguments
        tiles = context.make_array(ARRAY_2D)(context, builder, tiles).data

        def row_of(tile, r):
            return vector_at(builder, tiles, _place_in_tile(builder, tile, tile.type(r)), WIDTH)

        def column(tile):
            return builder.mul(builder.sub(tile, first), tile.type(WIDTH))

        zeros = ir.Constant(VECTOR, [0.0] * WIDTH)
        totals = [cgutils.alloca_once_value(builder, zeros) for _ in range(TILE_ROWS)]
        with cgutils.for_range(builder, last, first) as loop:
            values = load_vector(builder, address_of(context, builder, vector, column(loop.index)))
            for r, total in enumerate(totals):
                row = row_of(loop.index, r)
                builder.store(multiply_add(builder, row, values, builder.load(total)), total)
        weights = []
        for r, total in enumerate(totals):
            scale = scalar_at(context, builder, scales, builder.add(start, start.type(r)))
            inner = sum_of(builder, builder.load(total))
            weights.append(splat(builder, builder.fmul(inner, scale)))
        with cgutils.for_range(builder, last, first) as loop:
            place = address_of(context, builder, out, column(loop.index))
            values = load_vector(builder, place)
            for r, weight in enumerate(weights):
                values = multiply_add(builder, weight, row_of(loop.index, r), values)
            store_vector(builder, values, place)
        return context.get_dummy_value()

    integer = numba.intp
    kinds = (ARRAY_2D, integer, integer, ARRAY_1D, integer, ARRAY_1D, ARRAY_1D)
    return numba.void(*kinds), generate


@intrinsic
def _put_in_tiles(context, tiles, first, last, r, row):
    def generate(context, builder, signature, arguments):
        tiles, first, last, r, row = arguments
        tiles = context.make_array(ARRAY_2D)(context, builder, tiles).data
        with cgutils.for_range(builder, last, first) as loop:
            start = builder.mul(builder.sub(loop.index, first), first.type(WIDTH))
            values = load_vector(builder, address_of(context, builder, row, start))
            place = builder.gep(tiles, [_place_in_tile(builder, loop.index, r)])
            store_vector(builder, values, builder.bitcast(place, VECTOR.as_pointer()))
        return context.get_dummy_value()

    integer = numba.intp
    return numba.void(ARRAY_2D, integer, integer, integer, ARRAY_1D), generate


def _place_in_tile(builder, tile, r):
    """Where row `r` of a tile begins."""
    row = builder.add(builder.mul(tile, tile.type(TILE_ROWS)), r)
    return builder.mul(row, tile.type(WIDTH))
