# A second README would be a second main page for doxygen; it stays a name.
s|\[bench/README\.md\]\(bench/README\.md\)|`bench/README.md`|g
s|\[bench/README\.md\]\(\.\./bench/README\.md\)|`bench/README.md`|g
