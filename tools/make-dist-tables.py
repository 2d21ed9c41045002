#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints sim/dist-tables.h: quantiles of the jitter distributions as integers.

The tables are indexed by the tail probability t in (0, 1], in octaves: octave k holds t from
2^-(k+1) to 2^-k in equal cells, so that the tails are as exact as the middle. Entries are in order
of growing t; between entries one interpolates linearly.

    tools/make-dist-tables.py > sim/dist-tables.h
"""
from statistics import NormalDist

OCTAVES = 24
CELLS = 32
FRACTION_BITS = 24


def normal(t):
    """|x| of a standard normal variable that is exceeded with probability t."""
    return -NormalDist().inv_cdf(t / 2)


def pareto(t):
    """Linux netem's pareto table: shape 3, shifted and scaled, cut off at 4."""
    return min(4.0, (t ** (-1 / 3) - 1.5) * 4 / 3)


def table(name, comment, quantile):
    points = []
    for octave in reversed(range(OCTAVES)):
        points += [2.0 ** -(octave + 1) * (1 + cell / CELLS) for cell in range(CELLS)]
    points.append(1.0)
    values = [round(quantile(t) * 2**FRACTION_BITS) for t in points]
    lines = [f"/* {comment} */", f"static const gint32 {name}[DIST_ENTRIES] = {{"]
    lines += [f"  {', '.join(str(v) for v in values[i:i + 8])}," for i in range(0, len(values), 8)]
    return "\n".join(lines + ["};"])


print(f"""/* SPDX-License-Identifier: Apache-2.0 */
/* dist-tables.h - made by tools/make-dist-tables.py, which explains the layout. Only dist.c
 * includes it. */
#pragma once

#include <glib.h>

#define DIST_OCTAVES       {OCTAVES}
#define DIST_CELL_BITS     {CELLS.bit_length() - 1}
#define DIST_FRACTION_BITS {FRACTION_BITS} /* entries are multiples of 2^-{FRACTION_BITS} */
#define DIST_ENTRIES       (DIST_OCTAVES * (1 << DIST_CELL_BITS) + 1)

/* clang-format off */

{table("dist_normal", "Standard normal: the |x| that is exceeded with probability t.", normal)}

{table("dist_pareto", "Pareto as netem has it: the x that is exceeded with probability t.", pareto)}

/* clang-format on */""")
