"""Results to a page for the browser: one self-contained HTML file, written as a stream."""
