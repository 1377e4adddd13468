"""The PDF book: pandoc writes each chapter for Typst, Typst sets them all."""
