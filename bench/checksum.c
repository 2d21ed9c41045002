/* SPDX-License-Identifier: Apache-2.0 */
/* checksum.c - the CRC-32 of frames by ISA-L and by libdeflate, for payloads of several sizes, in
 * one run that alternates between them.
 *
 *   ninja -C build bench/checksum && build/bench/checksum */
#include "transports/frame.h"

#include <libdeflate.h>
#include <string.h>
#include <time.h>

#define BYTES_PER_ROUND (64u * 1024u * 1024u)
#define ROUNDS          9

typedef guint32 (*Checksum) (const guint8 *data, gsize size);

static guint32
by_libdeflate (const guint8 *data, gsize size)
{
  return libdeflate_crc32 (0, data, size);
}

static gint64
get_cpu (void)
{
  struct timespec used;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used);
  return (gint64)used.tv_sec * CAIMAN_NS_PER_S + used.tv_nsec;
}

/* ns per call; the data is in the cache, as a payload that was just copied is. */
static double
measure (Checksum checksum, const guint8 *data, gsize size, guint32 *sum_out)
{
  guint n_calls = (guint)(BYTES_PER_ROUND / MAX (size, 512));
  gint64 start_ns = get_cpu ();
  for (guint i = 0; i < n_calls; i++)
    *sum_out += checksum (data, size);
  return (double)(get_cpu () - start_ns) / n_calls;
}

static int
compare_doubles (const void *a, const void *b)
{
  double first = *(const double *)a, second = *(const double *)b;
  return (first > second) - (first < second);
}

int
main (void)
{
  static const gsize sizes[] = { 16, 64, 256, 1400, 4096, 16384, 65536 };
  g_autofree guint8 *data = g_malloc (65536);
  memset (data, 0x5A, 65536);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    double isal[ROUNDS], libdeflate[ROUNDS];
    guint32 sums[2] = { 0, 0 };
    for (guint round = 0; round < ROUNDS; round++) {
      isal[round] = measure (caiman_frame_checksum, data, sizes[i], &sums[0]);
      libdeflate[round] = measure (by_libdeflate, data, sizes[i], &sums[1]);
    }
    g_assert_cmpuint (sums[0], ==, sums[1]);
    qsort (isal, ROUNDS, sizeof *isal, compare_doubles);
    qsort (libdeflate, ROUNDS, sizeof *libdeflate, compare_doubles);
    double a = isal[ROUNDS / 2], b = libdeflate[ROUNDS / 2];
    g_print ("%6zu bytes: ISA-L %8.1f ns (%6.2f GB/s), libdeflate %8.1f ns (%6.2f GB/s), ratio of "
             "times %.2f\n",
             sizes[i], a, (double)sizes[i] / a, b, (double)sizes[i] / b, b / a);
  }
  return 0;
}
