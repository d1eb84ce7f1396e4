# A second README would be a second main page for doxygen; it stays a name.
s|\[bench/README\.md\]\(bench/README\.md\)|`bench/README.md`|g
s|\[bench/README\.md\]\(\.\./bench/README\.md\)|`bench/README.md`|g
s#\[[a-zA-Z./]*\]\((tests/)?mutations/README\.md\)#`tests/mutations/README.md`#g
