/* SPDX-License-Identifier: Apache-2.0 */
/* link-values.h - what is plotted of a link's samples: in the report and as single plots. */

#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

/* One value of @sample; NAN where it was not known. */
typedef double (*LinkValue) (const StoreLinkSample *sample);

double link_value_rtt (const StoreLinkSample *sample);       /* ns; NAN before the first one */
double link_value_in_flight (const StoreLinkSample *sample); /* bytes */
double link_value_limit (const StoreLinkSample *sample);     /* bytes */
double link_value_resent (const StoreLinkSample *sample);    /* bytes, cumulative */
double link_value_delivered (const StoreLinkSample *sample); /* bytes, cumulative */

G_END_DECLS
