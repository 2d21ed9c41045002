/* SPDX-License-Identifier: Apache-2.0 */
/* link-values.c - see link-values.h. */
#include "reports/link-values.h"

#include <math.h>

double
link_value_rtt (const StoreLinkSample *sample)
{
  return sample->rtt_ns < 0 ? NAN : (double)sample->rtt_ns;
}

double
link_value_in_flight (const StoreLinkSample *sample)
{
  return (double)sample->in_flight_bytes;
}

double
link_value_limit (const StoreLinkSample *sample)
{
  return (double)sample->limit_bytes;
}

double
link_value_resent (const StoreLinkSample *sample)
{
  return (double)sample->resent_bytes;
}

double
link_value_delivered (const StoreLinkSample *sample)
{
  return (double)sample->delivered_bytes;
}
