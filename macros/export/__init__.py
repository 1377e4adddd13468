"""What a reader takes away: book, EPUB, offline copy, and the same content for machines."""
