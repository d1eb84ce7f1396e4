# Marks the plain comments of a public header as documentation, for doxygen's eyes only.
# The licence line stays a comment; the head comment in line 2 is the file's.
/SPDX-License-Identifier/b
2s|^/\*$|/** @file\
 *|
2s|^/\* |/** @file\
 * |
# A comment on lines of its own documents what follows.
s|^([ \t]*)/\*([ \t]\|$)|\1/**\2|
# A comment behind code documents that code.
s|^([ \t]*[^ \t/#*].*[^ \t])[ \t]+/\* |\1 /**< |
