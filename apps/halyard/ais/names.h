/* SPDX-License-Identifier: MIT */
/* Texts of the code tables, in the words that gpsdecode 3.22 prints. Static memory; never NULL. */
#ifndef HALYARD_AIS_NAMES_H
#define HALYARD_AIS_NAMES_H

/* Each takes any number: codes outside the table have a text too. Thread: any. */
const char *ais_status_name(unsigned status);
const char *ais_epfd_name(unsigned epfd);
const char *ais_shiptype_name(unsigned shiptype);
const char *ais_aid_type_name(unsigned aid_type);

#endif
