"""The EPUB: one run of pandoc over all chapters, with a stylesheet of our own."""
