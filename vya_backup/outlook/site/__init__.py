"""The auditors' site: pages as values and pictures as SVG text, made from rows; Datasette only carries them."""
